#include "plugins/kubernetes/group_target.h"

#include <utility>

#include "common/random.h"

namespace reconciler {

namespace {

// A labeler waits 3 s for what it has cancelled.
constexpr uint64_t give_up_ms = 2500;
// Fences and promotion of three pods.
constexpr std::size_t usual_writes = 4;

}  // namespace

GroupTarget::GroupTarget(Host host, ApiClient& api, PodEvents& events, const Settings& settings,
                         size_t group, SharedWatches& watches)
    : host_(host),
      api_(api),
      settings_(settings),
      name_(settings.groups[group].name),
      watch_(watches.pods(group)),
      replicas_(host, api, settings, name_, watch_, [this] { reassess(); }),
      count_(host, name_, [this] { host_.changed(name_); }),
      events_(events),
      timeout_ms_(settings.request_timeout_ms),
      hold_(host, [this] { look_again(); }),
      pause_(host),
      give_up_(host),
      problems_(host, name_),
      no_pod_timer_(host),
      repairs_(host, name_,
               "somebody else moves the label again and again: see managedFields of the pods"),
      order_run_(host, api, settings.request_timeout_ms, [this] { reassess(); }) {
  written_.reserve(usual_writes);
  watch_.on({.listed =
                 [this] {
                   list_failure_.clear();
                   if (phase_ == Phase::waiting) {
                     decide();
                   } else {
                     try_again_now();
                   }
                 },
             .changed = [this](const ObjectChange& change) { pods_changed(change); },
             .live = [this] { try_again_now(); },
             .failed =
                 [this](const ApiError& error) {
                   if (watch_.listed()) return;
                   list_failure_ = error.message;
                   if (phase_ == Phase::waiting) finish(VR_RETRY, list_failure_);
                 }});
}

void GroupTarget::apply(const vr_topology& topology, vr_request* request) {
  Wanted wanted = wanted_from(topology);
  wanted.claim.decision = count_.told(wanted.claim.decision);
  replicas_.pause();
  if (!wanted_ || wanted_->claim != wanted.claim) {
    no_pod_since_ns_.reset();
    moved_.clear();
    hold_.lift();
  }
  wanted_ = wanted;  // into the memory that it has
  cause_ = topology.cause == nullptr ? "" : topology.cause;
  request_ = request;
  events_.attempt_begun();
  ++attempt_;
  repairs_.begun();
  cancelled_ = delayed_ = listed_ = false;
  // Of one that could not end what it had begun, this is the rest: a pause must not come between.
  took_label_ = has_failed(outcome_) && owes_label();
  restarts_ = looks_ = 0;
  written_.clear();
  if (watch_.listed()) {
    if (watch_.polls()) {
      list_then_decide();
    } else {
      decide();
    }
    return;
  }
  if (!list_failure_.empty()) {
    finish(VR_RETRY, list_failure_);
    return;
  }
  phase_ = Phase::waiting;
}

// To release is to let a lower decision in: not where none is held off.
void GroupTarget::order(const vr_order& order, vr_request* request) {
  const auto concerns = [this](const Pod& pod) {
    const bool foreign =
        pod.stamp.state == StampReading::State::read && pod.stamp.stamp->group != name_;
    return !foreign && !pod.vanishing;
  };
  const auto refusal = [this, kind = order.kind]() -> std::string {
    if (kind != VR_RELEASE) return {};
    if (!wanted_) return "no primary is known yet";
    learn();
    const Plan plan = make_plan(*wanted_, watch_.items(), api_.rule(), api_.pod_namespace());
    if (plan.verdict == Plan::Verdict::stand_down) return {};
    return fmt::format("nothing to release: no pod remembers a higher decision than {}",
                       describe(wanted_->claim));
  };
  order_run_.start({&watch_, concerns, refusal, "no pod of the group is there"},
                   operator_order(order, random_number()), request);
}

bool GroupTarget::cancel(const vr_request* request) {
  if (order_run_.cancel(request)) return true;
  if (request != request_) return false;
  cancelled_ = true;
  // Where this attempt took the label off, giving it to the new primary is what makes the group whole again.
  const bool safe = phase_ == Phase::waiting || phase_ == Phase::delaying ||
                    (phase_ == Phase::listing && !took_label_);
  if (safe) {
    finish(VR_CANCELLED, {});
  } else {
    // But not for ever: an answer that never comes is no different from one that comes after we have died.
    give_up_.start(give_up_ms, [this] { finish(VR_CANCELLED, "no answer from the API server"); });
  }
  return true;
}

std::vector<std::string> GroupTarget::names_of(std::string_view kind) const {
  std::vector<std::string> names;
  if (kind != pods_name.plural) return names;
  for (const auto& [name, pod] : watch_.items()) {
    if (!pod.vanishing) names.push_back(name);
  }
  return names;
}

void GroupTarget::api_is_back() { try_again_now(); }

void GroupTarget::rights_were_given() {
  hold_.lift();
  look_again();
}

void GroupTarget::try_again_now() {
  if (request_ == nullptr && has_failed(outcome_)) host_.changed(name_);
}

// What was held back may be sent now.
void GroupTarget::look_again() {
  if (has_failed(outcome_)) {
    try_again_now();
  } else {
    reassess();
  }
}

void GroupTarget::finish(vr_outcome outcome, const std::string& reason) {
  tell_done();
  pause_.stop();
  give_up_.stop();
  phase_ = Phase::idle;
  withdraw_promotion();
  failure_.reset();
  ++attempt_;
  outcome_ = outcome;
  if (outcome == VR_APPLIED) {
    verdict_ = Plan::Verdict::right;
    timeout_ms_ = settings_.request_timeout_ms;
    one_by_one_ = false;
    hold_.lift();
    problems_.clear();
  }
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
  events_.attempt_ended();
  events_.tell(events_budget_, std::exchange(to_tell_, {}));
  // What came while patches were under way was not looked at.
  if (outcome == VR_APPLIED) {
    moved_.clear();
    reassess();
  } else if (outcome == VR_REJECTED) {
    label_replicas();
  }
}

void GroupTarget::pods_changed(const ObjectChange& change) {
  confirm_what_is_seen();
  if (request_ != nullptr || !wanted_) return;
  learn();
  if (!settings_.dry_run) note_move(change);
  reassess();
}

// Our own label of replicas may be this one, too; but by that no pod comes to carry it or ceases to.
void GroupTarget::note_move(const ObjectChange& change) {
  const auto pod = watch_.items().find(change.moved);
  if (pod == watch_.items().end()) return;
  const Moved moved{pod->second.carries(api_.rule()), change.moved_by};
  if (moved.on == (change.moved_from == api_.rule().value)) return;
  const Plan plan = make_plan(*wanted_, watch_.items(), api_.rule(), api_.pod_namespace());
  if (plan.verdict != Plan::Verdict::change) return;
  host_.log(VR_WARNING, name_, "label {} of pod {}/{} was {} by {}; repairing it", api_.rule().name,
            api_.pod_namespace(), change.moved, moved.on ? "set" : "taken off",
            moved.by.empty() ? "somebody else" : moved.by);
  moved_.insert_or_assign(change.moved, moved);
}

void GroupTarget::reassess() {
  if (request_ != nullptr || !wanted_ || !outcome_) return;
  learn();
  const Plan plan = make_plan(*wanted_, watch_.items(), api_.rule(), api_.pod_namespace());
  problems_.show_pause(plan.pause);
  const bool at_rest = outcome_ == VR_APPLIED || outcome_ == VR_REJECTED;
  const bool before_another =
      plan.verdict == Plan::Verdict::stand_down && plan.higher != stands_before_;
  if (plan.verdict == Plan::Verdict::change) {
    repairs_.ask(outcome_ == VR_APPLIED);
  } else if (!at_rest || plan.verdict != verdict_ || before_another) {
    host_.changed(name_);
  } else {
    label_replicas();
  }
}

// The verdict is that of the last attempt, and stands.
void GroupTarget::label_replicas() {
  if (settings_.dry_run) {
    if (outcome_ == VR_APPLIED || !dry_run_said_.empty()) {
      if (words_for_replicas() != dry_run_said_) host_.changed(name_);
    }
    return;
  }
  const bool without_primary =
      verdict_ == Plan::Verdict::no_pod || verdict_ == Plan::Verdict::no_pod_stale;
  if (hold_.on()) {
    replicas_.pause();  // its end looks again
  } else if (!problems_.paused() && (outcome_ == VR_APPLIED || without_primary)) {
    replicas_.follow(*wanted_);
  } else {
    replicas_.forget();
  }
}

}  // namespace reconciler
