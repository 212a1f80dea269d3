// The ways in which it is unsure what the Sentinels of a group mean, in words. No decision is made here.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/aliases.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

// Shown as a problem of the group.
struct Doubt {
  std::string id;
  std::string message;
  ipc::Severity severity = ipc::Severity::degraded;
  Milliseconds patience = 3'000;  // what lasts shorter is part of every failover, and not shown
};

struct DoubtfulPicture {
  const Picture& picture;
  const Aliases& aliases;
  const Topology* current = nullptr;  // what is published; null before anything is
  bool began_anew =
      false;  // epochs lower than the current one are looked at as a reset of all Sentinels, a doubt of its own
  bool provisional = false;  // no Sentinel is expected to name `current` yet
};
std::vector<Doubt> find_doubts(const DoubtfulPicture& doubtful);

}  // namespace reconciler
