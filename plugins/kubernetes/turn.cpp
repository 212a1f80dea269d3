#include "plugins/kubernetes/turn.h"

#include <algorithm>
#include <utility>

#include "common/random.h"

namespace reconciler {

std::optional<uint64_t> wait_for_turn_ms(const std::string& node, const Pod* primary,
                                         const Pods& pods) {
  if (node.empty() || (primary != nullptr && primary->node == node)) return std::nullopt;
  const bool near = std::any_of(pods.begin(), pods.end(),
                                [&](const auto& entry) { return entry.second.node == node; });
  if (near) return random_between(40, 80);
  // Of a hundred that all have a turn between 150 and 280 ms only a few are to have it before the others see what these do.
  uint64_t latest = 0;
  for (int draw = 0; draw < 6; ++draw) latest = std::max(latest, random_between(150, 280));
  return latest;
}

void after_what_arrived(Timer& timer, uint64_t after_ms, std::function<void()> look) {
  timer.start(after_ms, [&timer, look = std::move(look)] { timer.start(1, look); });
}

}  // namespace reconciler
