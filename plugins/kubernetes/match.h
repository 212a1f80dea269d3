// Which pod is the instance that Sentinel names. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/pod.h"

namespace reconciler {

struct Match {
  const Pod* pod = nullptr;
  std::string cause;  // where there is none, for people
};

// Whether `host` (canonical_host) means this pod: one of its addresses, its name, its hostname, or
// `hostname.subdomain[.namespace[.svc[.cluster domain]]]`.
bool names_pod(std::string_view host, const Pod& pod, std::string_view pod_namespace);

// Of several pods that `host` means: where one declares the port, those that declare only others are out (they share
// the node's address); then (an address is given to a new pod while the old one lingers) the one that is not finished,
// then not terminating, then ready, then that declares the port; where that leaves two, none: a wrong label is worse
// than a missing one.
Match find_instance(const std::vector<const Pod*>& pods, std::string_view host, uint16_t port,
                    std::string_view pod_namespace);

}  // namespace reconciler
