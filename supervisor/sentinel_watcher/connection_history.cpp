#include "supervisor/sentinel_watcher/connection_history.h"

#include <fmt/format.h>

namespace reconciler {

std::optional<ConnectionHistory::Line> ConnectionHistory::failed(const std::string& cause,
                                                                 Milliseconds now) {
  if (!trouble_since_) trouble_since_ = now;
  ++unsaid_;
  if (last_said_) {
    // One that comes and goes is said no more often than one that stays away.
    const bool new_cause = trouble_said_ && cause != last_cause_;
    if (now - *last_said_ < (new_cause ? new_cause_interval : reminder_interval)) return {};
  }
  Line line{true, unsaid_ > 1 ? fmt::format(" ({} times since the last such line)", unsaid_)
                              : std::string()};
  trouble_said_ = true;
  last_said_ = now;
  last_cause_ = cause;
  unsaid_ = 0;
  return line;
}

std::optional<ConnectionHistory::Line> ConnectionHistory::came_up(Milliseconds now) {
  const bool worth_a_line = !ever_up_ || trouble_said_;
  Line line{false, trouble_since_ ? fmt::format(" after {:.1f} s",
                                                static_cast<double>(now - *trouble_since_) / 1000.0)
                                  : std::string()};
  ever_up_ = true;
  trouble_said_ = false;
  trouble_since_.reset();
  if (!worth_a_line) return {};
  return line;
}

}  // namespace reconciler
