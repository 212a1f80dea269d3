#include "supervisor/sentinel_watcher/topology_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace reconciler {

namespace {

using Standing = SentinelView::Standing;
using Change = Verdict::Change;

struct Tally {
  const Endpoint* primary =
      nullptr;  // the address that most of the views name; the first of equals
  std::size_t votes = 0;
  std::size_t views = 0;

  bool unanimous() const { return votes == views; }
  bool more_than_half() const { return votes * 2 > views; }
};

Tally tally(const std::vector<const SentinelView*>& views) {
  Tally best;
  best.views = views.size();
  for (const SentinelView* view : views) {
    const auto votes = static_cast<std::size_t>(
        std::count_if(views.begin(), views.end(),
                      [&](const SentinelView* v) { return v->primary == view->primary; }));
    if (votes > best.votes) {
      best.votes = votes;
      best.primary = &view->primary;
    }
  }
  return best;
}

}  // namespace

// What one decision looks at.
struct TopologyBuilder::Round {
  std::span<const SentinelView> views;
  std::size_t known = 0;
  Milliseconds now = 0;
  std::vector<const SentinelView*> usable = {};
  std::vector<const SentinelView*> newest = {};  // of the usable, those under the highest epoch
  uint64_t epoch = 0;                            // that one
  Verdict verdict = {};

  bool is_majority(std::size_t count) const { return count * 2 > known; }

  void look_again_after(Milliseconds time) {
    verdict.look_again =
        std::min(verdict.look_again.value_or(time), std::max<Milliseconds>(time, 1));
  }

  // Leaves out a primary that calls itself a replica (demoted, RESET in the midst of a failover, a name that could not be
  // resolved), and a Sentinel in tilt that is behind.
  void sort_views() {
    uint64_t highest = 0;
    for (const SentinelView& view : views) {
      if (view.standing == Standing::answered && !view.reported_replica)
        highest = std::max(highest, view.epoch);
    }
    for (const SentinelView& view : views) {
      if (view.standing != Standing::answered || view.reported_replica) continue;
      if (view.tilt && view.epoch < highest) continue;
      usable.push_back(&view);
      if (view.epoch == highest) newest.push_back(&view);
    }
    epoch = highest;
  }
};

void TopologyBuilder::remember(const Topology& topology) {
  if (has_topology_ && topology.decision <= current_.decision) return;
  std::string group = std::move(current_.group);
  current_ = topology;
  current_.group = std::move(group);
  has_topology_ = true;
  replicas_.clear();
  for (const Replica& replica : topology.replicas) replicas_.push_back({replica, {}});
}

void TopologyBuilder::take_replicas(const std::vector<ReplicaReply>& replies, Milliseconds now) {
  std::vector<KnownReplica> replicas;
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

Verdict TopologyBuilder::decide(std::span<const SentinelView> views, std::size_t known,
                                Milliseconds now) {
  Round round{.views = views, .known = std::max(known, views.size()), .now = now};
  round.sort_views();
  const bool older =
      has_topology_ && !round.usable.empty() && round.epoch < current_.decision.epoch;
  if (!older) anew_.reset();

  if (round.usable.empty()) {
    // Keep what is.
  } else if (!has_topology_) {
    decide_first(round);
  } else if (older) {
    decide_older(round);
  } else if (round.epoch > current_.decision.epoch) {
    decide_newer(round);
  } else {
    decide_same_epoch(round);
  }
  refresh_replicas(round);
  find_source(round);
  std::vector<Doubt> doubts =
      find_doubts(views, round.known, has_topology_ ? &current_ : nullptr, anew_.has_value());
  std::move(doubts.begin(), doubts.end(), std::back_inserter(round.verdict.doubts));
  return std::move(round.verdict);
}

// One that lives in the past may be the first to answer.
void TopologyBuilder::decide_first(Round& round) {
  if (!first_heard_) first_heard_ = round.now;
  const Milliseconds waited = round.now - *first_heard_;
  if (!round.is_majority(round.usable.size()) && waited < cold_start_grace) {
    return round.look_again_after(cold_start_grace - waited);
  }
  decide_newer(round);
}

void TopologyBuilder::decide_newer(Round& round) {
  const Tally at_newest = tally(round.newest);
  if (!at_newest.more_than_half()) return;
  const Change change = !has_topology_                           ? Change::found
                        : *at_newest.primary == current_.primary ? Change::confirmed
                                                                 : Change::moved;
  commit(round, *at_newest.primary, {current_.decision.era, round.epoch, 0}, change);
}

// One epoch was granted for one primary: with two of them, Sentinel's own state is in doubt. A majority of all Sentinels
// settles it, not one of those that happen to answer.
void TopologyBuilder::decide_same_epoch(Round& round) {
  const Tally at_newest = tally(round.newest);
  if (*at_newest.primary == current_.primary || !round.is_majority(at_newest.votes)) return;
  Decision decision = current_.decision;
  ++decision.step;
  commit(round, *at_newest.primary, decision, Change::moved);
}

// Sentinels that live in the past, or all of them set up anew. What tells the two apart: a majority of all Sentinels has
// a failover only when it has seen it, so an untroubled majority (its primary up, and calling itself primary)
// that stays below the current epoch for long has really lost it.
void TopologyBuilder::decide_older(Round& round) {
  const bool somebody_remembers =
      std::any_of(round.views.begin(), round.views.end(), [&](const SentinelView& view) {
        return view.standing == Standing::answered && view.epoch >= current_.decision.epoch;
      });
  std::vector<const SentinelView*> untroubled;
  std::copy_if(round.usable.begin(), round.usable.end(), std::back_inserter(untroubled),
               [](const SentinelView* view) { return !view->down && !view->tilt; });
  const Tally votes = tally(untroubled);
  if (somebody_remembers || !round.is_majority(votes.votes)) return anew_.reset();

  if (!anew_ || anew_->primary != *votes.primary) anew_ = Anew{*votes.primary, round.now};
  const Milliseconds waited = round.now - anew_->since;
  uint64_t epoch = 0;
  for (const SentinelView* view : untroubled) {
    if (view->primary == *votes.primary) epoch = std::max(epoch, view->epoch);
  }
  if (waited < reset_after) {
    round.verdict.doubts.push_back(
        {"sentinel-epochs-began-anew",
         fmt::format("{} of {} Sentinels name {} under epoch {}, lower than the known epoch {} of "
                     "{}; they are "
                     "believed when they still say so after {} s",
                     votes.votes, round.known, to_string(*votes.primary), epoch,
                     current_.decision.epoch, to_string(current_.primary), reset_after / 1000),
         ipc::Severity::degraded, 1'000});
    return round.look_again_after(reset_after - waited);
  }
  const Endpoint primary = *votes.primary;
  commit(round, primary, {current_.decision.era + 1, epoch, 0}, Change::anew);
  anew_.reset();
}

void TopologyBuilder::commit(Round& round, const Endpoint& primary, Decision decision,
                             Change change) {
  current_.primary = primary;
  current_.decision = decision;
  current_.state = PrimaryState::known;
  has_topology_ = true;
  round.verdict.change = change;
}

// At a switch the replicas are those known before, without the new primary; SENTINEL REPLICAS refines them soon after.
void TopologyBuilder::refresh_replicas(Round& round) {
  if (!has_topology_) return;
  std::vector<Replica> replicas;
  for (const KnownReplica& known : replicas_) {
    if (known.replica.endpoint != current_.primary) replicas.push_back(known.replica);
  }
  if (replicas == current_.replicas) return replicas_changed_.reset();
  if (round.verdict.change == Change::none) {
    if (!replicas_changed_) replicas_changed_ = round.now;
    const Milliseconds waited = round.now - *replicas_changed_;
    if (waited < replicas_delay) return round.look_again_after(replicas_delay - waited);
    round.verdict.change = Change::replicas;
  }
  replicas_changed_.reset();
  current_.replicas = std::move(replicas);
}

void TopologyBuilder::find_source(Round& round) {
  if (!has_topology_) return;
  round.verdict.agreed = true;
  for (std::size_t i = 0; i < round.views.size(); ++i) {
    const SentinelView& view = round.views[i];
    if (view.standing != Standing::answered) continue;
    if (view.primary != current_.primary || view.epoch != current_.decision.epoch) {
      round.verdict.agreed = false;
    } else if (!round.verdict.source && !view.reported_replica) {
      round.verdict.source = i;
    }
  }
  primary_down_ = !round.verdict.source || round.views[*round.verdict.source].down;
}

}  // namespace reconciler
