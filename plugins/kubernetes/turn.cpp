#include "plugins/kubernetes/turn.h"

#include <algorithm>

#include "common/random.h"

namespace reconciler {

std::optional<uint64_t> wait_for_turn_ms(const std::string& node, const Pod* primary,
                                         const Pods& pods) {
  if (node.empty() || (primary != nullptr && primary->node == node)) return std::nullopt;
  const bool near = std::any_of(pods.begin(), pods.end(),
                                [&](const auto& entry) { return entry.second.node == node; });
  return near ? random_between(40, 80) : random_between(150, 280);
}

}  // namespace reconciler
