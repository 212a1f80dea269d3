#include "supervisor/sentinel_watcher/change_line.h"

#include <fmt/format.h>

#include <vector>

namespace reconciler {

namespace {

using Change = Verdict::Change;

std::string in_words(const std::vector<Replica>& replicas) {
  if (replicas.empty()) return "none";
  std::string text;
  for (const Replica& replica : replicas) {
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", to_string(replica.endpoint),
                        replica.healthy ? "" : " (not healthy)");
  }
  return text;
}

}  // namespace

ChangeLine change_in_words(const Verdict& verdict, const Topology& topology,
                           const Endpoint& old_primary) {
  const std::string primary = to_string(topology.primary);
  const std::string old = to_string(old_primary);
  const std::string why = fmt::format("({}; {})", topology.cause, verdict.because);
  switch (verdict.change) {
    case Change::none:
      break;
    case Change::found:
      return {log::Level::info, fmt::format("primary found: {} {}", primary, why)};
    case Change::moved:
      return {log::Level::info, fmt::format("primary changed from {} to {} {}", old, primary, why)};
    case Change::confirmed:
      return {log::Level::info,
              fmt::format("primary {} stays, under a newer decision {}", primary, why)};
    case Change::anew:
      return {log::Level::warning,
              fmt::format("the epochs of the Sentinels began anew: {} is believed (before: {}) {}",
                          primary, old, why)};
    case Change::provisional:
      return {log::Level::info, fmt::format("primary changed from {} to {}, to be confirmed by the "
                                            "Sentinels {}",
                                            old, primary, why)};
    case Change::taken_back:
      return {log::Level::warning,
              fmt::format("the failover to {} did not come about: the primary is {} again {}", old,
                          primary, why)};
    case Change::suspected:
      return {log::Level::warning, fmt::format("primary {} is withdrawn {}", primary, why)};
    case Change::restored:
      return {log::Level::info, fmt::format("primary {} is back {}", primary, why)};
    case Change::replicas:
      return {log::Level::info,
              fmt::format("replicas of {}: {}", primary, in_words(topology.replicas))};
  }
  return {};
}

}  // namespace reconciler
