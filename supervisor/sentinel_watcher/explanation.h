// What is known of one group and why it was decided so, as JSON for `valkey-reconciler explain`. No loop, no socket.
#pragma once

#include <string>
#include <vector>

#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/shown_doubts.h"
#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

// README.md in this folder shows the document. Bounded: so many Sentinels, instances and doubts at most, and so much of each
// text that came from outside.
std::string explanation(const TopologyBuilder& builder, const Picture& picture,
                        const std::vector<ShownDoubts::Entry>& doubts);

// One Sentinel, as it is at the moment.
struct SentinelState {
  std::string set;
  std::string address;
  bool answers = false;  // commands
  bool hears = false;    // its events come
  std::string tls;       // `TLSv1.3`; empty without
  bool verified = false;
  std::vector<Reports::Trouble> troubles;
};

std::string explanation(const std::vector<SentinelState>& sentinels);

constexpr std::size_t explained_entries = 64;
constexpr std::size_t explained_text = 1'000;

}  // namespace reconciler
