// The failovers that were seen, with the time of each step: heard, passed on to the targets,
// confirmed by each of them. Pure: no clock, no log.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "supervisor/status/latency_histogram.h"

namespace reconciler {

// Driven and owned by Observer.
class History {
 public:
  // How many are shown, of all groups together.
  static constexpr std::size_t shown = 32;
  // A target that has not confirmed after so long is told of without its word.
  static constexpr uint64_t patience_ns = 30'000'000'000;

  struct Target {
    std::string name;
    std::optional<ipc::OutcomeKind> outcome;  // of the last attempt; none: no answer yet
    std::optional<uint64_t> done_ns;          // from the event to the target's confirmation
    unsigned attempts = 0;
    std::string reason;  // of the last attempt
  };

  // A group's change of primary, or of its being suspected, after one was known.
  struct Failover {
    std::string group;
    uint64_t revision = 0;  // of the first topology that asked for it
    Decision decision;
    PrimaryState state = PrimaryState::known;
    Endpoint from;  // published before
    Endpoint to;    // where suspected: the primary that is
    std::string cause;
    int64_t event_unix_us = 0;
    uint64_t event_mono_ns = 0;
    uint64_t published_ns = 0;  // from the event until the supervisor passed it on
    std::vector<Target> targets;
    bool told = false;  // in the log

    bool applied_everywhere() const;
  };

  // What is no longer configured is waited for no more.
  void expect(const Configuration& configuration);

  // `before`: what was known of the group; none: nothing. `targets`: whose groups it belongs to.
  void topology(const Topology* before, const Topology& now, uint64_t revision,
                uint64_t passed_on_mono_ns, const std::vector<std::string>& targets);
  void outcome(const std::string& target, const std::string& group, uint64_t revision,
               const ipc::Outcome& outcome);

  // Nothing more will come.
  void end();

  // To be called every few seconds: gives up waiting for what takes too long.
  void expire(uint64_t now_mono_ns);

  // Those of which there will be no more to tell, or whose time is over: each once.
  std::vector<Failover> to_be_told() { return std::exchange(due_, {}); }

  // Newest first; beyond `shown` there are those that are not finished.
  const std::list<Failover>& newest_first() const { return failovers_; }
  const std::map<std::string, LatencyHistogram>& latency() const { return latency_; }

 private:
  void tell(Failover& failover);
  bool is_open(const Failover& failover) const;

  std::list<Failover> failovers_;
  // The newest of each group, until all its targets have applied it.
  std::map<std::string, Failover*> open_;
  std::vector<Failover> due_;
  std::map<std::string, LatencyHistogram> latency_;  // target
};

}  // namespace reconciler
