#include "supervisor/sentinel_watcher/topology_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "supervisor/sentinel_watcher/topology_round.h"

namespace reconciler {

namespace {

using Change = Verdict::Change;
using Standing = SentinelView::Standing;

}  // namespace

bool TopologyBuilder::remember(const Topology& topology) {
  if (has_topology_ && topology.decision <= current_.decision) return false;
  access_proven_ &= current_.primary == topology.primary;
  std::string group = std::move(current_.group);
  current_ = topology;
  current_.group = std::move(group);
  current_.cause = "the watcher before this one had published it";
  has_topology_ = true;
  replicas_.clear();
  for (const Replica& replica : topology.replicas) replicas_.push_back({replica, {}});
  return true;
}

void TopologyBuilder::take_replicas(const std::vector<ReplicaReply>& replies, Milliseconds now) {
  std::vector<KnownReplica> replicas;
  replicas.reserve(replies.size());
  for (const ReplicaReply& reply : replies) {
    const auto before = std::find_if(
        replicas_.begin(), replicas_.end(),
        [&](const KnownReplica& known) { return known.replica.endpoint == reply.endpoint; });
    KnownReplica known{{reply.endpoint, false}, {}};
    if (before != replicas_.end()) known = *before;
    if (reply.down) {
      known.replica.healthy = false;
    } else if (reply.linked == true) {
      known = {{reply.endpoint, true}, {}};
    } else if (reply.linked == false && known.replica.healthy && !primary_down_) {
      if (!known.unlinked_since) known.unlinked_since = now;
      known.replica.healthy = now - *known.unlinked_since < unlinked_grace;
    }
    replicas.push_back(std::move(known));
  }
  const auto endpoint = [](const KnownReplica& known) -> const Endpoint& {
    return known.replica.endpoint;
  };
  std::sort(replicas.begin(), replicas.end(), [&](const KnownReplica& a, const KnownReplica& b) {
    return endpoint(a) < endpoint(b);
  });
  replicas.erase(std::unique(replicas.begin(), replicas.end(),
                             [&](const KnownReplica& a, const KnownReplica& b) {
                               return endpoint(a) == endpoint(b);
                             }),
                 replicas.end());
  replicas_ = std::move(replicas);
}

void TopologyBuilder::take_candidate(const Endpoint& instance, std::string_view sentinel,
                                     Milliseconds now) {
  if (proof_.act_on != ActOn::promotion) return;
  candidate_ = std::make_unique<Candidate>(
      Candidate{.instance = instance, .leader = std::string(sentinel), .named = now});
}

Verdict TopologyBuilder::decide(const Picture& picture) {
  Round round{.picture = picture, .aliases = aliases_};
  round.sort_views();
  if (round.usable.empty()) {
    // Keep what is.
  } else if (!has_topology_) {
    decide_first(round);
  } else if (is_provisional() && round.epoch == current_.decision.epoch) {
    decide_provisional(round);
  } else if (round.epoch < current_.decision.epoch) {
    decide_older(round);
  } else if (round.epoch > current_.decision.epoch) {
    decide_newer(round);
  } else {
    decide_same_epoch(round);
  }
  consider_candidate(round);
  consider_suspicion(round);
  prove_access(round);
  if (!round.persists) persistent_.reset();
  refresh_replicas(round);
  find_source(round);
  std::vector<Doubt> doubts =
      find_doubts({.picture = picture,
                   .aliases = aliases_,
                   .current = has_topology_ ? &current_ : nullptr,
                   .began_anew = round.persists && persistent_->belief == Belief::began_anew,
                   .provisional = is_provisional()});
  std::move(doubts.begin(), doubts.end(), std::back_inserter(round.verdict.doubts));
  return std::move(round.verdict);
}

bool TopologyBuilder::is_provisional() const {
  return has_topology_ && current_.state == PrimaryState::known && !current_.decision.settled();
}

void TopologyBuilder::commit(Round& round, const Endpoint& primary, Decision decision,
                             Change change, std::string because) {
  if (current_.primary != primary) access_proven_ = false;
  current_.primary = primary;
  current_.decision = decision;
  current_.state = PrimaryState::known;
  has_topology_ = true;
  persistent_.reset();
  round.persists = false;
  round.verdict.change = change;
  current_.cause = because;
  round.verdict.because = std::move(because);
}

// Where a failover is going to depend on what instances say, they are asked once while all is well: a password that they
// don't accept must not show only then.
void TopologyBuilder::prove_access(Round& round) {
  if (!proof_.ask_instances) return;
  if (proof_.act_on != ActOn::announcement && has_topology_ && !access_proven_ &&
      current_.state == PrimaryState::known) {
    const InstanceRole::Role role = round.role_of(current_.primary);
    access_proven_ = role == InstanceRole::Role::primary || role == InstanceRole::Role::replica;
    if (!access_proven_) round.want_role(current_.primary);
  }
  std::string unasked;
  for (const InstanceRole& role : round.picture.roles) {
    const std::vector<Endpoint>& wanted = round.verdict.roles_wanted;
    if (role.role != InstanceRole::Role::out_of_reach ||
        std::find(wanted.begin(), wanted.end(), role.instance) == wanted.end()) {
      continue;
    }
    unasked += fmt::format("{}cannot ask {} for its ROLE: {}", unasked.empty() ? "" : "; ",
                           to_string(role.instance), role.cause);
  }
  if (!unasked.empty()) round.doubt("instance-unasked", unasked, ipc::Severity::degraded, 3'000);
}

// At a switch the replicas are those known before, without the new primary; SENTINEL REPLICAS refines them soon after.
void TopologyBuilder::refresh_replicas(Round& round) {
  if (!has_topology_) return;
  std::vector<Replica> replicas;
  replicas.reserve(replicas_.size());
  for (const KnownReplica& known : replicas_) {
    if (!aliases_.same(known.replica.endpoint, current_.primary)) replicas.push_back(known.replica);
  }
  if (replicas == current_.replicas) return replicas_changed_.reset();
  if (round.verdict.change == Change::none) {
    if (!replicas_changed_) replicas_changed_ = round.picture.now;
    const Milliseconds waited = round.picture.now - *replicas_changed_;
    if (waited < replicas_delay) return round.look_again_after(replicas_delay - waited);
    round.verdict.change = Change::replicas;
  }
  replicas_changed_.reset();
  current_.replicas = std::move(replicas);
}

bool TopologyBuilder::is_current(const SentinelView& view) const {
  return has_topology_ && aliases_.same(view.primary, current_.primary) &&
         view.epoch == current_.decision.epoch;
}

void TopologyBuilder::find_source(Round& round) {
  if (!has_topology_) return;
  round.verdict.agreed = true;
  for (std::size_t i = 0; i < round.picture.views.size(); ++i) {
    const SentinelView& view = round.picture.views[i];
    if (view.standing != Standing::answered) continue;
    if (!is_current(view)) {
      round.verdict.agreed = false;
      continue;
    }
    ++round.verdict.agreeing;
    if (!round.verdict.source && !view.reported_replica) round.verdict.source = i;
  }
  primary_down_ = !round.verdict.source || round.picture.views[*round.verdict.source].down;
}

}  // namespace reconciler
