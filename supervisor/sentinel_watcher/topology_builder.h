// Decides from what all Sentinels say of one group which topology is to be published. No clock, no socket, no loop.
// The rules, and why: README.md in this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/doubts.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

struct Verdict {
  enum class Change : uint8_t {
    none,
    found,      // the first primary
    moved,      // another primary
    confirmed,  // the same primary under a newer decision
    anew,       // Sentinel's epochs began anew, and were accepted
    replicas,   // nothing but the replicas
  };

  Change change = Change::none;       // other than none: publish current()
  std::optional<std::size_t> source;  // the view that knows the replicas of the current primary
  bool agreed = false;  // every Sentinel that answers names the current primary and epoch
  std::vector<Doubt> doubts;
  std::optional<Milliseconds>
      look_again;  // decide again after that time, though nothing new was heard
};

// One for each group, for as long as the process lives; driven by its GroupWatch.
class TopologyBuilder {
 public:
  explicit TopologyBuilder(std::string group) { current_.group = std::move(group); }

  // What a predecessor had published. Only what is newer than the present knowledge counts.
  void remember(const Topology& topology);

  // What SENTINEL REPLICAS of the Verdict's source said; taken into account by the next decision.
  void take_replicas(const std::vector<ReplicaReply>& replies, Milliseconds now);

  // `known`: how many Sentinels there are, heard or not. `now`: milliseconds of a clock that only grows.
  Verdict decide(std::span<const SentinelView> views, std::size_t known, Milliseconds now);

  const std::string& group() const { return current_.group; }
  bool has_topology() const { return has_topology_; }
  const Topology& current() const { return current_; }

 private:
  struct Round;

  void decide_first(Round& round);
  void decide_newer(Round& round);
  void decide_same_epoch(Round& round);
  void decide_older(Round& round);
  void commit(Round& round, const Endpoint& primary, Decision decision, Verdict::Change change);
  void refresh_replicas(Round& round);
  void find_source(Round& round);

  struct KnownReplica {
    Replica replica;
    std::optional<Milliseconds> unlinked_since;  // its link is down, though it was healthy
  };

  // While a majority names one primary under epochs that are lower than the current one.
  struct Anew {
    Endpoint primary;
    Milliseconds since = 0;
  };

  Topology current_;
  bool has_topology_ = false;
  std::vector<KnownReplica> replicas_;            // sorted by endpoint
  bool primary_down_ = false;                     // says the source, or nobody is one
  std::optional<Milliseconds> replicas_changed_;  // and not yet published
  std::optional<Milliseconds> first_heard_;       // a usable view, before there is a topology
  std::optional<Anew> anew_;
};

// How long a cold start waits for a majority of the Sentinels before it believes fewer.
constexpr Milliseconds cold_start_grace = 1'000;
// How long epochs that began anew must be said by an untroubled majority.
constexpr Milliseconds reset_after = 10'000;
// A replica whose link to the primary is down stays healthy for so long, and while the primary itself is down: around a
// failover all of them lose it.
constexpr Milliseconds unlinked_grace = 5'000;
// Changes of the replicas alone are gathered before they are published, so that none comes on the heels of a switch.
constexpr Milliseconds replicas_delay = 500;

}  // namespace reconciler
