// The plugin's one instance: the API server and the groups.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/api_reach.h"
#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/pod_events.h"
#include "plugins/kubernetes/publisher.h"
#include "plugins/kubernetes/rights.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/kubernetes/shared_watches.h"
#include "plugins/kubernetes/survey.h"

namespace reconciler {

// Owned by the plugin's host through plugin.cpp.
class KubernetesTarget {
 public:
  static Result<std::unique_ptr<KubernetesTarget>> create(Host host, Settings settings);

  KubernetesTarget(const KubernetesTarget&) = delete;
  KubernetesTarget& operator=(const KubernetesTarget&) = delete;

  static constexpr bool tells_dry_run = true;

  void apply(const vr_topology& topology, vr_request* request);
  void order(const vr_order& order, vr_request* request);
  void cancel(vr_request* request);
  void check();

 private:
  Publisher* find(const char* group) const;
  std::vector<std::string> objects_of(const Right& right) const;
  void review();

  KubernetesTarget(Host host, Settings settings, const Cluster& cluster,
                   const std::string& pod_namespace);

  Host host_;
  const Settings settings_;
  HttpLibrary http_library_;
  // Before what works with it: what is left open there is dropped when this goes, last, without a word.
  ApiClient api_;
  ApiReach reach_;
  Rights rights_;
  PodEvents events_;
  Survey survey_;
  SharedWatches watches_;
  std::vector<std::unique_ptr<Publisher>> groups_;
};

}  // namespace reconciler
