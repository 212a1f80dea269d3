// The rules by which a TopologyBuilder decides; README.md in this folder tells them in words, and why.
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

// While a host name is looked up it is too early to call two texts two instances.
constexpr Milliseconds name_patience = 200;
// All Sentinels were asked again: their answers are there by then.
constexpr Milliseconds answer_patience = 200;

}  // namespace

bool is_untroubled(const SentinelView& view) {
  return !view.down && !view.tilt && view.failover == FailoverState::none;
}

std::string votes_in_words(std::size_t votes, std::size_t known, uint64_t epoch) {
  return fmt::format("{} of {} Sentinels name{} it under epoch {}", votes, known,
                     votes == 1 ? "s" : "", epoch);
}

void TopologyBuilder::Round::sort_views() {
  const auto counts = [](const SentinelView& view) {
    return view.standing == Standing::answered && !view.reported_replica;
  };
  for (const SentinelView& view : picture.views) {
    if (counts(view)) epoch = std::max(epoch, view.epoch);
  }
  for (const SentinelView& view : picture.views) {
    if (!counts(view) || (view.tilt && view.epoch < epoch)) continue;
    usable.push_back(&view);
    if (view.epoch == epoch) newest.push_back(&view);
  }
}

std::size_t TopologyBuilder::Round::votes_for(const Endpoint& primary, const Views& views) const {
  return static_cast<std::size_t>(std::count_if(
      views.begin(), views.end(),
      [&](const SentinelView* view) { return aliases.same(view->primary, primary); }));
}

Tally TopologyBuilder::Round::tally(const Views& views) const {
  Tally best{.views = views.size()};
  for (const SentinelView* view : views) {
    const std::size_t votes = votes_for(view->primary, views);
    if (votes > best.votes) {
      best.votes = votes;
      best.primary = &view->primary;
    }
  }
  return best;
}

Role TopologyBuilder::Round::role_of(const Endpoint& instance, Milliseconds not_before) const {
  for (const InstanceRole& role : picture.roles) {
    if (role.heard < not_before || picture.now - role.heard > role_lifetime) continue;
    if (aliases.same(role.instance, instance)) return role.role;
  }
  return Role::unknown;
}

void TopologyBuilder::Round::want_role(const Endpoint& instance) {
  std::vector<Endpoint>& wanted = verdict.roles_wanted;
  if (std::find(wanted.begin(), wanted.end(), instance) == wanted.end()) wanted.push_back(instance);
}

// Whether it has been so for `wait`, and was said again by all after that: a process that was stopped meanwhile has heard
// nothing.
bool TopologyBuilder::has_persisted(Round& round, Belief belief, const Endpoint& primary,
                                    Milliseconds wait) {
  const Milliseconds now = round.picture.now;
  round.persists = true;
  if (!persistent_ || persistent_->belief != belief ||
      !aliases_.same(persistent_->primary, primary)) {
    persistent_ = std::make_unique<Persistent>(Persistent{belief, primary, now});
  }
  const Milliseconds due = persistent_->since + wait;
  if (now < due) {
    round.look_again_after(due - now);
    return false;
  }
  const bool said_again =
      std::none_of(round.usable.begin(), round.usable.end(), [&](const SentinelView* view) {
        return (belief == Belief::first || aliases_.same(view->primary, primary)) &&
               view->heard < due;
      });
  if (said_again || wait == 0) return true;
  // One that is frozen may take long, and each answer of the others leads here.
  if (persistent_->asked_again == 0 || now - persistent_->asked_again >= answer_patience) {
    persistent_->asked_again = now;
    round.verdict.ask_all = true;
  }
  round.look_again_after(persistent_->asked_again + answer_patience - now);
  return false;
}

// One that lives in the past may be the first to answer.
void TopologyBuilder::decide_first(Round& round) {
  if (!round.is_majority(round.usable.size()) &&
      !has_persisted(round, Belief::first, {}, cold_start_grace)) {
    return;
  }
  decide_newer(round);
}

void TopologyBuilder::decide_newer(Round& round) {
  const Tally newest = round.tally(round.newest);
  const Endpoint* primary = newest.more_than_half() ? newest.primary : the_only_primary(round);
  if (primary == nullptr) return;
  const std::size_t votes = round.votes_for(*primary, round.newest);
  if (proof_.act_on == ActOn::agreement && !is_agreed(round, *primary, votes)) return;
  const Change change = !has_topology_                              ? Change::found
                        : aliases_.same(*primary, current_.primary) ? Change::confirmed
                                                                    : Change::moved;
  commit(round, *primary, {current_.decision.era, round.epoch, 0}, change,
         votes_in_words(votes, round.picture.known, round.epoch));
}

// Of several that are named under a new epoch, the one that calls itself primary, where no other does.
const Endpoint* TopologyBuilder::the_only_primary(Round& round) const {
  if (!proof_.ask_instances) return nullptr;
  for (const SentinelView* view : round.newest) round.want_role(view->primary);
  const Endpoint* only = nullptr;
  for (const SentinelView* view : round.newest) {
    const Role role = round.role_of(view->primary);
    if (role == Role::unknown) return nullptr;
    if (role != Role::primary || (only != nullptr && aliases_.same(*only, view->primary))) continue;
    if (only != nullptr) return nullptr;
    only = &view->primary;
  }
  return only;
}

// `act_on = "agreement"`: enough Sentinels name it, and it says so itself. It is asked while the others are awaited.
bool TopologyBuilder::is_agreed(Round& round, const Endpoint& primary, std::size_t votes) {
  const std::size_t known = round.picture.known;
  const std::size_t needed = std::min(known, std::max<std::size_t>(2, known / 2 + 1));
  if (proof_.ask_instances) round.want_role(primary);
  if (votes >= needed) return role_agrees(round, primary);
  round.doubt("waiting-for-agreement",
              fmt::format("{} of {} Sentinels name {} under epoch {}, and {} have to", votes, known,
                          to_string(primary), round.epoch, needed),
              Severity::blocking, 3'000);
  return false;
}

// Enough Sentinels name it: what it says itself can only contradict. That it can't be asked is no contradiction.
bool TopologyBuilder::role_agrees(Round& round, const Endpoint& primary) {
  if (!proof_.ask_instances) return true;
  round.want_role(primary);
  switch (round.role_of(primary)) {
    case Role::primary:
      return true;
    case Role::replica:
      round.doubt("role-contradicts",
                  fmt::format("the Sentinels name {} under epoch {}, and it says of itself that it "
                              "is a replica: not believed",
                              to_string(primary), round.epoch),
                  Severity::blocking, 3'000);
      return false;
    case Role::unknown:
    case Role::out_of_reach:
      break;
  }
  return has_persisted(round, Belief::silent_instance, primary, role_patience);
}

// Under the highest epoch, whatever the Sentinels think of its state.
bool TopologyBuilder::is_named_by_majority(const Round& round, const Endpoint& primary) const {
  const auto& views = round.picture.views;
  return round.is_majority(static_cast<std::size_t>(
      std::count_if(views.begin(), views.end(), [&](const SentinelView& view) {
        return view.standing == Standing::answered && view.epoch == round.epoch &&
               aliases_.same(view.primary, primary);
      })));
}

// One epoch was granted for one primary: with two of them, Sentinel's own state is in doubt. What the two say of
// themselves settles it, else a majority of all Sentinels, not one of those that happen to answer.
void TopologyBuilder::decide_same_epoch(Round& round) {
  const Tally rival = round.tally(those(round.newest, [&](const SentinelView* view) {
    return !aliases_.same(view->primary, current_.primary);
  }));
  if (rival.votes == 0) return;
  if (aliases_.unsure(*rival.primary, current_.primary)) {
    return round.look_again_after(name_patience);
  }
  Role ours = Role::unknown;
  Role theirs = Role::unknown;
  if (proof_.ask_instances) {
    round.want_role(current_.primary);
    round.want_role(*rival.primary);
    ours = round.role_of(current_.primary);
    theirs = round.role_of(*rival.primary);
  }
  // Who wants agreement leaves none that a majority names for one that only calls itself primary.
  const bool by_role =
      ours == Role::replica && theirs == Role::primary &&
      !(proof_.act_on == ActOn::agreement && is_named_by_majority(round, current_.primary));
  const bool by_majority = round.is_majority(rival.votes);
  if (by_role || (by_majority && role_agrees(round, *rival.primary))) {
    std::string because = votes_in_words(rival.votes, round.picture.known, round.epoch);
    if (by_role) because += ", and of the two it alone calls itself a primary";
    return commit(round, *rival.primary, current_.decision.next(true), Change::moved,
                  std::move(because));
  }
  if (ours == Role::primary && theirs == Role::primary) {
    round.doubt("two-primaries",
                fmt::format("{} and {} both call themselves primary, and are named under one epoch "
                            "{}; the first one stays until a majority says otherwise",
                            to_string(current_.primary), to_string(*rival.primary), round.epoch),
                Severity::blocking, 3'000);
  }
}

// Sentinels that live in the past, or all of them set up anew. What tells the two apart: a majority of all Sentinels has
// a failover only when it has seen it, so an untroubled majority (its primary up, and calling itself primary)
// that stays below the current epoch for long has really lost it.
void TopologyBuilder::decide_older(Round& round) {
  const Views untroubled =
      those(round.usable, [](const SentinelView* view) { return is_untroubled(*view); });
  const Tally votes = round.tally(untroubled);
  const auto& views = round.picture.views;
  const bool somebody_remembers =
      std::any_of(views.begin(), views.end(), [&](const SentinelView& view) {
        return view.standing == Standing::answered && view.epoch >= current_.decision.epoch;
      });
  if (somebody_remembers || !round.is_majority(votes.votes)) return;

  uint64_t epoch = 0;
  for (const SentinelView* view : untroubled) {
    if (aliases_.same(view->primary, *votes.primary)) epoch = std::max(epoch, view->epoch);
  }
  const Endpoint primary = *votes.primary;
  bool contradicted = false;
  if (proof_.ask_instances) {
    round.want_role(primary);
    contradicted = round.role_of(primary) != Role::primary;
  }
  const bool persisted = has_persisted(round, Belief::began_anew, primary, proof_.reset_after);
  if (persisted && !contradicted) {
    return commit(round, primary, {current_.decision.era + 1, epoch, 0}, Change::anew,
                  fmt::format("{} for {} s, lower than the known epoch {}",
                              votes_in_words(votes.votes, round.picture.known, epoch),
                              proof_.reset_after / 1000, current_.decision.epoch));
  }
  round.doubt(
      "sentinel-epochs-began-anew",
      fmt::format("{} of {} Sentinels name {} under epoch {}, lower than the known epoch "
                  "{} of {}; they are believed when they still say so after {} s{}",
                  votes.votes, round.picture.known, to_string(primary), epoch,
                  current_.decision.epoch, to_string(current_.primary), proof_.reset_after / 1000,
                  contradicted ? ", and its ROLE agrees, which it does not yet" : ""),
      Severity::degraded, 1'000);
}

}  // namespace reconciler
