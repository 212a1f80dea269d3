// What a GroupTarget does next: learns from the pods, decides, waits. group_target.h has the whole picture.
#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/group_target.h"
#include "plugins/kubernetes/pauses.h"
#include "plugins/kubernetes/turn.h"

namespace reconciler {

namespace {

// At another one's work: who is amid it may be gone.
constexpr int most_looks = 2;

}  // namespace

std::optional<HighestStamp> GroupTarget::highest() const {
  return highest_stamp(*wanted_, watch_.items(), api_.pod_namespace());
}

void GroupTarget::learn() { count_.learn(*wanted_, highest()); }

void GroupTarget::decide() {
  learn();
  const Plan plan = make_plan(*wanted_, watch_.items(), api_.rule(), api_.pod_namespace());
  problems_.show_pause(plan.pause);
  pause_between_steps();
  const bool lacks_pod =
      plan.verdict == Plan::Verdict::no_pod || plan.verdict == Plan::Verdict::no_pod_stale;
  if (!lacks_pod) {
    no_pod_since_ns_.reset();
    no_pod_timer_.stop();
  }
  if (plan.verdict != Plan::Verdict::stand_down) count_.forget_behind();
  switch (plan.verdict) {
    case Plan::Verdict::right:
      if (!confirm()) break;
      if (settings_.dry_run) {
        verdict_ = plan.verdict;
        end_dry_run(words_for_replicas());
      } else {
        finish(VR_APPLIED, {});
      }
      break;
    case Plan::Verdict::paused:
      if (plan.promote != nullptr && owes_label()) {
        start_writing(plan);
        break;
      }
      if (!confirm()) break;
      verdict_ = plan.verdict;
      problems_.clear();
      finish(VR_REJECTED, plan.cause);
      break;
    case Plan::Verdict::stand_down:
      if (confirm()) stand_down(plan);
      break;
    case Plan::Verdict::other_group:
      if (!confirm()) break;
      verdict_ = plan.verdict;
      problems_.show("other-group", plan.cause);
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
    count_.forget_behind();
  } else if (count_.takes_over(*wanted_, highest())) {
    decide();
    return;
  }
  const std::string cause = plan.cause + count_.patience();
  verdict_ = plan.verdict;
  stands_before_ = plan.higher;
  problems_.show(plan.newer_format ? "newer-stamp" : "higher-decision", cause);
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
  problems_.show("no-pod", cause);
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
    const auto wait_ms = wait_for_turn_ms(settings_.node_name, plan.primary, watch_.items());
    if (wait_ms) {
      look_again_in(*wait_ms);
      return true;
    }
  }
  if (took_label_ || looks_ == most_looks || !is_under_way(*wanted_, watch_.items(), written_)) {
    return false;
  }
  ++looks_;
  look_again_in(random_between(50, 100));
  return true;
}

void GroupTarget::look_again_in(uint64_t ms) {
  phase_ = Phase::delaying;
  after_what_arrived(pause_, ms, [this] { decide(); });
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
bool GroupTarget::is_pointless_now() const { return cancelled_ && !owes_label(); }

// This attempt took it off, or one whose rest it is, and no pod has got it since.
bool GroupTarget::owes_label() const {
  const Pods& pods = watch_.items();
  return took_label_ && std::none_of(pods.begin(), pods.end(), [&](const auto& entry) {
           return entry.second.carries(api_.rule());
         });
}

}  // namespace reconciler
