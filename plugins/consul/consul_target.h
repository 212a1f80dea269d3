// The plugin's one instance: Consul, and the groups that have a key in it.
#pragma once

#include <memory>

#include "common/result.h"
#include "plugins/consul/settings.h"
#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/http/http_servers.h"
#include "plugins/store/group_values.h"

namespace reconciler::consul {

// Owned by the plugin's host behind the border.
class ConsulTarget {
 public:
  static constexpr bool tells_dry_run = true;

  static Result<std::unique_ptr<ConsulTarget>> create(Host host, const vr_target& target);

  ConsulTarget(Host host, Settings settings);
  ConsulTarget(const ConsulTarget&) = delete;
  ConsulTarget& operator=(const ConsulTarget&) = delete;

  void apply(const vr_topology& topology, vr_request* request) { values_.apply(topology, request); }
  void cancel(vr_request* request) { values_.cancel(request); }
  void check() { values_.look(); }

 private:
  const HttpLibrary library_;
  const Settings settings_;
  HttpServers servers_;
  GroupValues values_;
};

}  // namespace reconciler::consul
