// What a GroupTarget does next: learns from the pods, decides, waits. group_target.h has the whole picture.
#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/group_target.h"
#include "plugins/kubernetes/pauses.h"

namespace reconciler {

namespace {

// Longer than watchers differ in when they believe a reset of Sentinel (with the same reset_after), and than an unsettled
// decision stays so while those live who made it.
constexpr uint64_t takeover_after_ms = 15000;
// At another one's work: who is amid it may be gone.
constexpr int most_looks = 2;

}  // namespace

// The pods may know the very decision under a higher era or step: those are counted from the start of the program.
void GroupTarget::learn() {
  const std::optional<Decision> known = known_ahead(*wanted_, watch_.pods(), api_.pod_namespace());
  if (known) count_as(*known);
}

void GroupTarget::count_as(const Decision& known) {
  ahead_.learn(told_, known);
  wanted_->claim.decision = known;
}

// A settled decision that stands down before a mere count, and before which both sides have stood still for long, goes
// above it. README.md has the reasons.
bool GroupTarget::takes_over() {
  const auto unsettled = takeover_from_unsettled(*wanted_, watch_.pods());
  const auto takeover = unsettled ? unsettled : takeover_of_era(*wanted_, watch_.pods());
  if (!takeover) {
    forget_behind();
    return false;
  }
  const uint64_t now = host_.now_ns();
  if (!behind_ || behind_->wanted != wanted_->claim || behind_->known != takeover->known) {
    behind_ = {wanted_->claim, takeover->known, now};
  }
  const uint64_t stood_ms = (now - behind_->since_ns) / 1000000;
  if (stood_ms < takeover_after_ms) {
    behind_timer_.start(takeover_after_ms - stood_ms + 1, [this] { host_.changed(name_); });
    return false;
  }
  const std::string standing =
      fmt::format("the pods remember {}, and this has been {} for {} s", describe(takeover->known),
                  describe(wanted_->claim), stood_ms / 1000);
  if (unsettled) {
    host_.log(VR_WARNING, name_,
              "{}: that was neither confirmed nor taken back, and who decided it seems to be gone; "
              "step {} is taken",
              standing, takeover->decision.step);
  } else {
    host_.log(VR_WARNING, name_,
              "{}: era {} is taken over; where this epoch is from before a reset of Sentinel, the "
              "label goes backwards",
              standing, takeover->decision.era);
  }
  count_as(takeover->decision);
  forget_behind();
  return true;
}

void GroupTarget::forget_behind() {
  behind_.reset();
  behind_timer_.stop();
}

void GroupTarget::decide() {
  learn();
  const Plan plan = make_plan(*wanted_, watch_.pods(), api_.rule(), api_.pod_namespace());
  show_pause(plan);
  pause_between_steps();
  const bool lacks_pod =
      plan.verdict == Plan::Verdict::no_pod || plan.verdict == Plan::Verdict::no_pod_stale;
  if (!lacks_pod) {
    no_pod_since_ns_.reset();
    no_pod_timer_.stop();
  }
  if (plan.verdict != Plan::Verdict::stand_down) forget_behind();
  switch (plan.verdict) {
    case Plan::Verdict::right:
      if (confirm()) finish(VR_APPLIED, {});
      break;
    case Plan::Verdict::paused:
      if (!confirm()) break;
      verdict_ = plan.verdict;
      show_problem(nullptr, {});
      finish(VR_REJECTED, plan.cause);
      break;
    case Plan::Verdict::stand_down:
      if (confirm()) stand_down(plan);
      break;
    case Plan::Verdict::other_group:
      if (!confirm()) break;
      verdict_ = plan.verdict;
      show_problem("other-group", plan.cause);
      finish(VR_REJECTED, plan.cause);
      break;
    case Plan::Verdict::no_pod:
    case Plan::Verdict::no_pod_stale:
      if (confirm()) decide_without_pod(plan);
      break;
    case Plan::Verdict::change:
      verdict_ = plan.verdict;
      if (!wait_turn(plan)) start_writing(plan);
      break;
  }
}

void GroupTarget::stand_down(const Plan& plan) {
  if (plan.newer_format) {
    forget_behind();
  } else if (takes_over()) {
    decide();
    return;
  }
  std::string cause = plan.cause;
  if (behind_) {
    cause +=
        fmt::format("; where both stay so for {} s, this goes above it", takeover_after_ms / 1000);
  }
  verdict_ = plan.verdict;
  stands_before_ = plan.higher;
  show_problem(plan.newer_format ? "newer-stamp" : "higher-decision", cause);
  finish(VR_REJECTED, cause);
}

void GroupTarget::decide_without_pod(const Plan& plan) {
  const uint64_t now = host_.now_ns();
  if (!no_pod_since_ns_) no_pod_since_ns_ = now;
  verdict_ = plan.verdict;
  std::string cause = plan.cause;
  if (plan.verdict == Plan::Verdict::no_pod_stale) {
    const uint64_t waited_ms = (now - *no_pod_since_ns_) / 1000000;
    if (waited_ms >= settings_.no_match_after_ms) {
      if (!wait_turn(plan)) start_writing(plan);
      return;
    }
    cause += "; the old label goes if that stays so";
    no_pod_timer_.start(settings_.no_match_after_ms - waited_ms + 1,
                        [this] { host_.changed(name_); });
  }
  show_problem("no-pod", cause);
  finish(VR_REJECTED, cause);
}

// Whether what was seen is as it is now. To write, a view need not be: preconditions see to that. To rest, it must.
bool GroupTarget::confirm() {
  if (watch_.live() || listed_) return true;
  list_then_decide();
  return false;
}

// Of many instances the one next to the new primary acts first; the others look again a little later. Who then sees another
// one amid this very decision lets it finish: two at once would only conflict, and each list and fence anew.
bool GroupTarget::wait_turn(const Plan& plan) {
  if (settings_.node_name.empty()) return false;
  if (!std::exchange(delayed_, true)) {
    if (const uint64_t ms = turn_ms(plan); ms > 0) {
      look_again_in(ms);
      return true;
    }
  }
  if (took_label_ || looks_ == most_looks || !is_under_way(*wanted_, watch_.pods(), written_)) {
    return false;
  }
  ++looks_;
  look_again_in(random_between(50, 100));
  return true;
}

uint64_t GroupTarget::turn_ms(const Plan& plan) const {
  if (plan.primary != nullptr && plan.primary->node == settings_.node_name) return 0;
  const Pods& pods = watch_.pods();
  const bool near = std::any_of(pods.begin(), pods.end(), [&](const auto& entry) {
    return entry.second.node == settings_.node_name;
  });
  if (near) return random_between(40, 80);
  // Of a hundred that all have a turn between 150 and 280 ms only a few are to have it before the others see what these do.
  uint64_t latest = 0;
  for (int draw = 0; draw < 6; ++draw) latest = std::max(latest, random_between(150, 280));
  return latest;
}

// When a process that was starved goes on, its timers come before what has arrived meanwhile. So the second timer: between
// the two it reads that.
void GroupTarget::look_again_in(uint64_t ms) {
  phase_ = Phase::delaying;
  pause_.start(ms, [this] { pause_.start(1, [this] { decide(); }); });
}

void GroupTarget::list_then_decide() {
  if (is_held()) return;
  phase_ = Phase::listing;
  watch_.list([this, attempt = attempt_](const std::optional<ApiError>& error) {
    if (attempt != attempt_) return;
    if (error) {
      ended_by(*error);
      return;
    }
    listed_ = true;
    if (is_pointless_now()) {
      finish(VR_CANCELLED, {});
    } else {
      decide();
    }
  });
}

// An attempt that would have to ask the API server ends before it does so: the hold's end brings the next one.
bool GroupTarget::is_held() {
  if (!hold_.on()) return false;
  finish(cancelled_ ? VR_CANCELLED : VR_RETRY, hold_.why());
  return true;
}

// Cancelled, and the group has its label or never lost it by us.
bool GroupTarget::is_pointless_now() const {
  if (!cancelled_) return false;
  const Pods& pods = watch_.pods();
  return !took_label_ || std::any_of(pods.begin(), pods.end(), [&](const auto& entry) {
    return entry.second.carries(api_.rule());
  });
}

}  // namespace reconciler
