// The rules for decisions that no majority stands behind yet: a promotion that only the instance itself tells of, and a
// primary that is called down. README.md in this folder tells them in words.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/sentinel_watcher/topology_round.h"

namespace reconciler {

namespace {

using Change = Verdict::Change;
using Role = InstanceRole::Role;
using Standing = SentinelView::Standing;
using ipc::Severity;

// The answer to a question that was asked before the candidate was named may come after it.
constexpr Milliseconds question_lifetime = 200;

constexpr Milliseconds suspect_after_found = 100;

}  // namespace

// The current primary is one that turned primary, and no Sentinel names it yet. Those that name the old one are no news;
// only a majority that stays with it under this epoch takes the promotion back, and only when no failover is in progress any
// more (Sentinels that live in the past have not seen how it began), or the instance itself is a replica again.
void TopologyBuilder::decide_provisional(Round& round) {
  // A predecessor may have asked instances, and this process may not.
  if (proof_.ask_instances) round.want_role(current_.primary);
  const auto& views = round.picture.views;
  const bool in_progress = std::any_of(views.begin(), views.end(), [](const SentinelView& view) {
    return view.standing == Standing::answered && view.failover != FailoverState::none;
  });
  const Tally stays = round.tally(
      those(round.newest, [](const SentinelView* view) { return is_untroubled(*view); }));
  const Role role = round.role_of(current_.primary);
  const bool undone = role == Role::replica;
  if ((in_progress && !undone) || !round.is_majority(stays.votes)) return;
  const std::string because = votes_in_words(stays.votes, round.picture.known, round.epoch);
  if (aliases_.same(*stays.primary, current_.primary)) {
    return commit(round, current_.primary, current_.decision.next(true), Change::confirmed,
                  because);
  }
  Milliseconds wait = take_back_silent;
  if (undone) wait = 0;
  if (role == Role::primary) wait = take_back_contrary;
  if (!has_persisted(round, Belief::stays, *stays.primary, wait)) return;
  candidate_.reset();
  commit(round, *stays.primary, current_.decision.next(true), Change::taken_back,
         because + (in_progress ? ", and it is a replica again"
                                : ", and no failover is in progress any more"));
}

// `act_on = "promotion"`: what an elected leader has chosen is acted upon when it says itself that it is primary.
void TopologyBuilder::consider_candidate(Round& round) {
  if (!candidate_) return;
  const auto& views = round.picture.views;
  const auto leader = std::find_if(views.begin(), views.end(), [&](const SentinelView& view) {
    return view.sentinel == candidate_->leader;
  });
  const bool answers = leader != views.end() && leader->standing == Standing::answered;
  if (answers && leader->heard >= candidate_->named) {
    if (leader->failover != FailoverState::none) {
      candidate_->led_under = leader->epoch;
    } else if (candidate_->led_under || leader->heard - candidate_->named > question_lifetime) {
      return candidate_.reset();
    }
  }
  if (!answers && round.picture.now - candidate_->named > candidate_lifetime) {
    return candidate_.reset();
  }
  const Endpoint& instance = candidate_->instance;
  if (!has_topology_ || aliases_.same(instance, current_.primary)) return;
  // One that lives in the past would lead back there; and so would a failover that another one has followed.
  if (candidate_->led_under && *candidate_->led_under < current_.decision.epoch) return;
  round.want_role(instance);
  if (!candidate_->led_under || round.verdict.change != Change::none) return;
  if (round.role_of(instance, candidate_->named) != Role::primary) return;
  commit(round, instance, current_.decision.next(false), Change::provisional,
         fmt::format("Sentinel {} leads a failover and chose it, and its ROLE is primary",
                     candidate_->leader));
}

// `demote_on = "odown"`: one Sentinel's word is enough, since it has the word of a quorum. With "switch", what a predecessor
// has withdrawn by the setting of before a reload is back as soon as a Sentinel names it.
void TopologyBuilder::consider_suspicion(Round& round) {
  const bool early = proof_.demote_on == DemoteOn::odown;
  const bool suspected = current_.state == PrimaryState::suspected;
  if (!has_topology_ || is_provisional() || (!early && !suspected)) return;
  std::size_t naming = 0;
  std::size_t up = 0;
  const SentinelView* down = nullptr;
  for (const SentinelView* view : round.usable) {
    if (view->tilt || view->epoch != current_.decision.epoch ||
        !aliases_.same(view->primary, current_.primary)) {
      continue;
    }
    ++naming;
    if (!view->down) ++up;
    if (early && view->objectively_down) down = view;
  }
  if (!suspected && down != nullptr && round.verdict.change == Change::found) {
    // First the settled decision: a target that knows it under a further step counts on from there.
    round.look_again_after(suspect_after_found);
  } else if (!suspected && down != nullptr) {
    commit(round, current_.primary, current_.decision.next(false), Change::suspected,
           fmt::format("Sentinel {}, by a quorum, calls it down", down->sentinel));
    current_.state = PrimaryState::suspected;
  } else if (suspected && !early && naming > 0) {
    commit(round, current_.primary, current_.decision.next(true), Change::restored,
           "by demote_on it is withdrawn only when another one follows");
  } else if (suspected && down == nullptr && up * 2 > naming) {
    commit(round, current_.primary, current_.decision.next(true), Change::restored,
           fmt::format("{} of {} Sentinels that name it call it up", up, naming));
  }
  if (current_.state == PrimaryState::suspected) {
    round.doubt("primary-suspected",
                fmt::format("a quorum of Sentinels calls the primary {} down: it is withdrawn "
                            "until it is back or another one follows",
                            to_string(current_.primary)),
                Severity::degraded, 0);
  }
}

}  // namespace reconciler
