// Decides from what all Sentinels say of one group, and instances of themselves, which topology is to be published. No clock,
// no socket, no loop. The rules, and why: README.md in this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/aliases.h"
#include "supervisor/sentinel_watcher/doubts.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

struct Verdict {
  enum class Change : uint8_t {
    none,
    found,        // the first primary
    moved,        // another primary
    confirmed,    // the same primary under a newer decision
    anew,         // Sentinel's epochs began anew, and were accepted
    provisional,  // an elected leader's candidate turned primary; no Sentinel names it yet
    taken_back,   // the failover of a provisional primary did not come about
    suspected,    // the primary is withdrawn: a quorum calls it down
    restored,     // and it is back
    replicas,     // nothing but the replicas
  };

  Change change = Change::none;  // other than none: publish current()
  std::string because;           // of a change: on what it rests, in words
  std::size_t agreeing = 0;      // Sentinels that name the current primary under the current epoch
  std::optional<std::size_t> source;  // the view that knows the replicas of the current primary
  bool agreed = false;   // every Sentinel that answers names the current primary and epoch
  bool ask_all = false;  // all Sentinels should be asked before the next decision
  std::vector<Endpoint>
      roles_wanted;  // instances that should be asked for their ROLE now, and until they don't stand here
  std::vector<Doubt> doubts;  // each way in which it is unsure what to do
  std::optional<Milliseconds>
      look_again;  // decide again after that time, though nothing new was heard
};

// How much proof is wanted.
struct Proof {
  Milliseconds reset_after = 10'000;
  ActOn act_on = ActOn::announcement;
  DemoteOn demote_on = DemoteOn::primary_switch;
  bool ask_instances = false;
};

// One for each group, for as long as the process lives; driven by its GroupWatch.
class TopologyBuilder {
 public:
  // `aliases` outlives it.
  TopologyBuilder(std::string group, const Proof& proof, const Aliases& aliases)
      : proof_(proof), aliases_(aliases) {
    current_.group = std::move(group);
  }

  // What a predecessor had published. Only what is newer than the present knowledge counts: then true.
  bool remember(const Topology& topology);

  // What SENTINEL REPLICAS of the Verdict's source said; taken into account by the next decision.
  void take_replicas(const std::vector<ReplicaReply>& replies, Milliseconds now);

  // `sentinel` leads a failover and has chosen this replica (+selected-slave).
  void take_candidate(const Endpoint& instance, std::string_view sentinel, Milliseconds now);

  Verdict decide(const Picture& picture);

  const std::string& group() const { return current_.group; }
  const Proof& proof() const { return proof_; }
  bool has_topology() const { return has_topology_; }
  const Topology& current() const { return current_; }
  // It names the current primary under the current epoch.
  bool is_current(const SentinelView& view) const;
  // On what the last decision rests, in words. It stands where the event will stand in what is published.
  const std::string& because() const { return current_.cause; }

 private:
  // What is believed only when it has been so for a while without a break.
  enum class Belief : uint8_t { first, began_anew, stays, silent_instance };
  struct Persistent {
    Belief belief = Belief::began_anew;
    Endpoint primary;  // of `first`: whichever
    Milliseconds since = 0;
    Milliseconds asked_again = 0;  // all Sentinels, since the time is over; 0: not yet
  };

  struct Round;  // topology_round.h

  void decide_first(Round& round);
  void decide_newer(Round& round);
  void decide_same_epoch(Round& round);
  void decide_older(Round& round);
  void decide_provisional(Round& round);
  void consider_candidate(Round& round);
  void consider_suspicion(Round& round);

  const Endpoint* the_only_primary(Round& round) const;
  bool is_named_by_majority(const Round& round, const Endpoint& primary) const;
  bool is_agreed(Round& round, const Endpoint& primary, std::size_t votes);
  bool role_agrees(Round& round, const Endpoint& primary);
  bool has_persisted(Round& round, Belief belief, const Endpoint& primary, Milliseconds wait);
  void commit(Round& round, const Endpoint& primary, Decision decision, Verdict::Change change,
              std::string because);
  bool is_provisional() const;
  void prove_access(Round& round);
  void refresh_replicas(Round& round);
  void find_source(Round& round);

  struct KnownReplica {
    Replica replica;
    std::optional<Milliseconds> unlinked_since;  // its link is down, though it was healthy
  };

  struct Candidate {
    Endpoint instance;
    std::string leader;
    Milliseconds named = 0;
    // The leader answered since, and is in the midst of a failover that began under this epoch.
    std::optional<uint64_t> led_under = {};
  };

  Proof proof_;
  const Aliases& aliases_;
  Topology current_;
  bool has_topology_ = false;
  bool access_proven_ = false;                    // the current primary has told its ROLE
  bool primary_down_ = false;                     // says the source, or nobody is one
  std::vector<KnownReplica> replicas_;            // sorted by endpoint
  std::optional<Milliseconds> replicas_changed_;  // and not yet published
  // Mostly nothing, in each of thousands of groups.
  std::unique_ptr<Persistent> persistent_;
  std::unique_ptr<Candidate> candidate_;
};

// How long a cold start waits for a majority of the Sentinels before it believes fewer.
constexpr Milliseconds cold_start_grace = 1'000;
// A replica whose link to the primary is down stays healthy for so long, and while the primary itself is down: around a
// failover all of them lose it.
constexpr Milliseconds unlinked_grace = 5'000;
// Changes of the replicas alone are gathered before they are published, so that none comes on the heels of a switch.
constexpr Milliseconds replicas_delay = 500;
// An answer to ROLE that is older says nothing any more.
constexpr Milliseconds role_lifetime = 2'000;
// Sentinels that agree are believed after that, though the instance itself can't be asked.
constexpr Milliseconds role_patience = 2'000;
// A majority that stays with the old primary takes a provisional one back after that: where it can't be asked, and where it
// goes on calling itself primary. (Where it calls itself a replica, at once.) A leader that lives has seen the promotion
// within 1 s, and the others hear of it within 2 s more.
constexpr Milliseconds take_back_silent = 2'000;
constexpr Milliseconds take_back_contrary = 5'000;
// A candidate whose leader is gone is waited for so long.
constexpr Milliseconds candidate_lifetime = 15'000;

}  // namespace reconciler
