// The one line in the log that sums a failover up. Pure. README.md has an example.
#pragma once

#include <string>

#include "common/log.h"
#include "supervisor/status/history.h"

namespace reconciler {

struct FailoverLine {
  log::Level level = log::Level::info;  // warning where a target has not applied it
  std::string text;
};

FailoverLine failover_line(const History::Failover& failover);

}  // namespace reconciler
