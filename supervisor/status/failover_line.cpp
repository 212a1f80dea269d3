#include "supervisor/status/failover_line.h"

#include <fmt/format.h>

namespace reconciler {

namespace {

std::string milliseconds(uint64_t ns) {
  return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
}

std::string what_happened(const History::Failover& failover) {
  const std::string from = to_string(failover.from);
  const std::string to = to_string(failover.to);
  if (failover.state == PrimaryState::suspected) return fmt::format("primary {} suspected", to);
  if (from == to) return fmt::format("primary {} suspected no more", to);
  return fmt::format("failover from {} to {}", from, to);
}

std::string by_target(const History::Target& target) {
  const char* plural = target.attempts == 1 ? "" : "s";
  const std::string attempts = fmt::format("{} attempt{}", target.attempts, plural);
  if (target.done_ns)
    return fmt::format("{} applied after {} ({})", target.name, milliseconds(*target.done_ns),
                       attempts);
  const std::string why = target.outcome ? target.reason : "no answer";
  return fmt::format("{} NOT applied ({}{}{})", target.name, attempts, why.empty() ? "" : ": ",
                     why);
}

}  // namespace

FailoverLine failover_line(const History::Failover& failover) {
  std::string text =
      fmt::format("{} ({}): heard {}, passed on after {}", what_happened(failover), failover.cause,
                  log::format_time(failover.event_unix_us), milliseconds(failover.published_ns));
  for (const History::Target& target : failover.targets) text += ", " + by_target(target);
  return {failover.applied_everywhere() ? log::Level::info : log::Level::warning, text};
}

}  // namespace reconciler
