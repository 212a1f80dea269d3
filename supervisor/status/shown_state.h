// All that is shown to people and machines at one moment; what status_document and metrics are
// written from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/status/history.h"
#include "supervisor/status/moment.h"
#include "supervisor/status/status.h"

namespace reconciler {

enum class ProcessState : uint8_t { at_work, starting, restarting, refused };
enum class ProcessKind : uint8_t { supervisor, watcher, labeler };

struct ProcessStatus {
  std::string name;  // `supervisor`, `sentinel-watcher` or a target's
  ProcessKind kind = ProcessKind::supervisor;
  ProcessState state = ProcessState::at_work;
  int64_t pid = 0;  // 0: none runs
  int64_t up_ms = 0;
  uint64_t restarts = 0;  // after a death that nobody had asked for
};

// Made for one answer, while what it refers to stands still.
struct ShownState {
  const Status& status;
  const History& history;
  ProcessStatus supervisor;
  std::vector<ProcessStatus> children;
  Moment now;
};

}  // namespace reconciler
