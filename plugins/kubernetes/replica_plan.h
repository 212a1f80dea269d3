// Which pods are healthy replicas, and whose label does not say so. Pure; README.md tells why such labels need no fence.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/plan.h"

namespace reconciler {

struct Replicas {
  std::set<std::string, std::less<>> pods;  // by name; never the primary's
  std::vector<std::string> without_pod;     // healthy, but no pod of the group: why, for people
};

Replicas find_replicas(const Wanted& wanted, const Pods& pods, std::string_view pod_namespace);

// A pod whose label of replicas is not what it should be.
struct Relabelling {
  const Pod* pod = nullptr;
  bool is_replica = false;
};

// For pods that agree with `wanted` as to the primary. Leaves out those that carry the label of the primary, where that is
// the same label; where it is another one, they are no replicas.
std::vector<Relabelling> plan_replica_labels(const Replicas& replicas, const Wanted& wanted,
                                             const Pods& pods, const LabelRule& rule);

// How long what was undone stays so, at the least, after so many writes of late: who disagrees must not write for ever.
uint64_t patience_ms(int writes);

}  // namespace reconciler
