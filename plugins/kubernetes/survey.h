// What there is to work with: the pods that each group's selector matches, and the Services that select the label. For
// `check`, where no topology says which pod is to be found.
#pragma once

#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/service.h"
#include "plugins/kubernetes/settings.h"

namespace reconciler {

// `selector app=valkey matches 2 pods in namespace shop: valkey-0, valkey-1`. Pure.
std::string matches_message(const std::string& selector, const std::vector<Pod>& pods,
                            const std::string& pod_namespace);
// `label valkey-master=true is selected by Service valkey`. Pure.
std::string selected_message(const LabelRule& rule, const std::vector<Service>& services,
                             const std::string& pod_namespace);

// Owned by the KubernetesTarget. What it finds is shown as problems until a topology is there: from then on the groups
// say themselves which pod they miss.
class Survey {
 public:
  Survey(Host host, ApiClient& api, const Settings& settings);

  // What is asked for, and not answered, is no finding here: ApiReach and Rights tell of that.
  void make();
  void end();

 private:
  void list_pods(const Settings::Group& group);
  void look_for_services();
  void list_services();

  Host host_;
  ApiClient& api_;
  const Settings& settings_;
  bool ended_ = false;
};

}  // namespace reconciler
