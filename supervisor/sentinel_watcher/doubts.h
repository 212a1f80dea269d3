// The ways in which it is unsure what the Sentinels of a group mean, in words. No decision is made here.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

// Shown as a problem of the group.
struct Doubt {
  std::string id;
  std::string message;
  ipc::Severity severity = ipc::Severity::degraded;
  Milliseconds patience = 3'000;  // what lasts shorter is part of every failover, and not shown
};

// `known`: how many Sentinels there are. `current`: what is published, null before anything is. `began_anew`: epochs
// lower than the current one are already looked at as a reset of all Sentinels, which is a doubt of its own.
std::vector<Doubt> find_doubts(std::span<const SentinelView> views, std::size_t known,
                               const Topology* current, bool began_anew);

}  // namespace reconciler
