// The plugin's one instance: a receiver, and the groups that it is told of.
#pragma once

#include <memory>
#include <vector>

#include "common/result.h"
#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/webhook/group_target.h"
#include "plugins/webhook/settings.h"

namespace reconciler::webhook {

// Owned by the plugin's host behind the border.
class WebhookTarget {
 public:
  static constexpr bool tells_dry_run = true;

  static Result<std::unique_ptr<WebhookTarget>> create(Host host, const vr_target& target);

  WebhookTarget(Host host, Settings settings);
  WebhookTarget(const WebhookTarget&) = delete;
  WebhookTarget& operator=(const WebhookTarget&) = delete;

  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);

 private:
  const HttpLibrary library_;
  const Settings settings_;
  HttpClient client_;
  std::vector<std::unique_ptr<GroupTarget>> groups_;
};

}  // namespace reconciler::webhook
