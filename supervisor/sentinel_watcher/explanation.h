// What is known of one group and why it was decided so, as JSON for `valkey-reconciler explain`. No loop, no socket.
#pragma once

#include <string>
#include <vector>

#include "supervisor/sentinel_watcher/shown_doubts.h"
#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

// README.md in this folder shows the document. Bounded: so many Sentinels, instances and doubts at most, and so much of each
// text that came from outside.
std::string explanation(const TopologyBuilder& builder, const Picture& picture,
                        const std::vector<ShownDoubts::Entry>& doubts);

constexpr std::size_t explained_entries = 64;
constexpr std::size_t explained_text = 1'000;

}  // namespace reconciler
