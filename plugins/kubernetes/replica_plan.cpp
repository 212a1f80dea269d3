#include "plugins/kubernetes/replica_plan.h"

#include <algorithm>

#include "plugins/kubernetes/match.h"

namespace reconciler {

namespace {

constexpr uint64_t shortest_patience_ms = 1000;
constexpr uint64_t longest_patience_ms = 300000;

bool is_of_group(const Pod& pod, const Wanted& wanted) {
  return pod.stamp.state != StampReading::State::read || pod.stamp.stamp->group == wanted.group;
}

}  // namespace

Replicas find_replicas(const Wanted& wanted, const Pods& pods, std::string_view pod_namespace) {
  std::vector<const Pod*> group;
  for (const auto& [name, pod] : pods) {
    if (is_of_group(pod, wanted)) group.push_back(&pod);
  }
  const Pod* primary = find_instance(group, wanted.host, wanted.port, pod_namespace).pod;
  Replicas replicas;
  for (const InstanceAddress& address : wanted.replicas) {
    const Match match = find_instance(group, address.host, address.port, pod_namespace);
    if (match.pod == nullptr) {
      replicas.without_pod.push_back(match.cause);
    } else if (match.pod != primary) {
      replicas.pods.insert(match.pod->name);
    }
  }
  return replicas;
}

std::vector<Relabelling> plan_replica_labels(const Replicas& replicas, const Wanted& wanted,
                                             const Pods& pods, const LabelRule& rule) {
  std::vector<Relabelling> relabellings;
  for (const auto& [name, pod] : pods) {
    const bool carries = pod.carries(rule);
    if (!is_of_group(pod, wanted) || pod.vanishing || (carries && rule.is_shared())) continue;
    const bool is_replica = !carries && replicas.pods.contains(name);
    if (pod.replica_label != rule.replica.value_for(is_replica)) {
      relabellings.push_back({&pod, is_replica});
    }
  }
  return relabellings;
}

uint64_t patience_ms(int writes) {
  return std::min(shortest_patience_ms << std::clamp(writes - 1, 0, 20), longest_patience_ms);
}

}  // namespace reconciler
