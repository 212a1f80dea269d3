// One attempt of a GroupTarget: decide, fence, promote, start over. group_target.h has the whole picture.
#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/group_target.h"
#include "plugins/kubernetes/json_patch.h"

namespace reconciler {

namespace {

constexpr int most_restarts = 8;
constexpr uint64_t longest_timeout_ms = 30000;
// A reset of Sentinel is believed after 10 s at most.
constexpr uint64_t era_stands_ms = 15000;

uint64_t between(uint64_t low, uint64_t high) { return low + random_number() % (high - low + 1); }

}  // namespace

// ---- deciding ----

// The pods may know the very decision under a higher era or step: those are counted from the start of the program.
void GroupTarget::learn() {
  const std::optional<Decision> known = known_ahead(*wanted_, watch_.pods(), api_.pod_namespace());
  if (!known) return;
  era_ahead_ += known->era - wanted_->claim.decision.era;
  wanted_->claim.decision = *known;
}

// A decision that is lower by its era alone, and has stood so for longer than a reset of Sentinel takes to be believed,
// takes over the pods' era. README.md has the reasons.
bool GroupTarget::era_is_adopted() {
  const std::optional<Claim> known = ahead_by_era_alone(*wanted_, watch_.pods());
  if (!known) {
    behind_.reset();
    behind_timer_.stop();
    return false;
  }
  const uint64_t now = host_.now_ns();
  if (!behind_ || behind_->wanted != wanted_->claim || behind_->known != *known) {
    behind_ = {wanted_->claim, *known, now};
  }
  const uint64_t stood_ms = (now - behind_->since_ns) / 1000000;
  if (stood_ms < era_stands_ms) {
    behind_timer_.start(era_stands_ms - stood_ms + 1, [this] { host_.changed(name_); });
    return false;
  }
  const uint32_t era = known->decision.era;
  host_.log(VR_WARNING, name_,
            "the pods remember {}, and this has been {} for {} s: era {} is taken over; where this "
            "epoch is from before a reset of Sentinel, the label goes backwards",
            describe(*known), describe(wanted_->claim), stood_ms / 1000, era);
  era_ahead_ += era - wanted_->claim.decision.era;
  wanted_->claim.decision.era = era;
  behind_.reset();
  behind_timer_.stop();
  return true;
}

void GroupTarget::decide() {
  learn();
  const Plan plan = make_plan(*wanted_, watch_.pods(), api_.rule(), api_.pod_namespace());
  const bool lacks_pod =
      plan.verdict == Plan::Verdict::no_pod || plan.verdict == Plan::Verdict::no_pod_stale;
  if (!lacks_pod) {
    no_pod_since_ns_.reset();
    no_pod_timer_.stop();
  }
  if (plan.verdict != Plan::Verdict::stand_down) {
    behind_.reset();
    behind_timer_.stop();
  }
  switch (plan.verdict) {
    case Plan::Verdict::right:
      if (confirm()) finish(VR_APPLIED, {});
      break;
    case Plan::Verdict::stand_down:
      if (!confirm()) break;
      if (!plan.newer_format && era_is_adopted()) {
        decide();
        break;
      }
      verdict_ = plan.verdict;
      show_problem(plan.newer_format ? "newer-stamp" : "higher-decision", plan.cause);
      finish(VR_REJECTED, plan.cause);
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

// Of many instances the one next to the new primary acts first; the others look again a little later.
bool GroupTarget::wait_turn(const Plan& plan) {
  if (delayed_ || settings_.node_name.empty()) return false;
  delayed_ = true;
  if (plan.primary != nullptr && plan.primary->node == settings_.node_name) return false;
  const Pods& pods = watch_.pods();
  const bool near = std::any_of(pods.begin(), pods.end(), [&](const auto& entry) {
    return entry.second.node == settings_.node_name;
  });
  phase_ = Phase::delaying;
  pause_.start(near ? between(40, 80) : between(150, 280), [this] { decide(); });
  return true;
}

void GroupTarget::list_then_decide() {
  phase_ = Phase::listing;
  watch_.list([this, attempt = attempt_](const std::optional<ApiError>& error) {
    if (attempt != attempt_) return;
    if (error) {
      if (!error->without_answer()) show_problem("change-refused", error->message);
      finish(cancelled_ ? VR_CANCELLED : VR_RETRY, error->message);
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

// Cancelled, and the group has its label or never lost it by us.
bool GroupTarget::is_pointless_now() const {
  if (!cancelled_) return false;
  const Pods& pods = watch_.pods();
  return !took_label_ || std::any_of(pods.begin(), pods.end(), [&](const auto& entry) {
    return entry.second.carries(api_.rule());
  });
}

// ---- writing ----

GroupTarget::Write GroupTarget::make_write(const Pod& pod, StampKind kind) const {
  const Stamp stamp{wanted_->claim, kind, random_number(), name_};
  return {pod, kind, stamp,
          kind == StampKind::fenced ? fence_patch(pod, stamp, api_.rule())
                                    : promote_patch(pod, stamp, api_.rule())};
}

void GroupTarget::start_writing(const Plan& plan) {
  phase_ = Phase::fencing;
  failure_.reset();
  promotion_.reset();
  under_way_ = plan.fences.size();
  std::vector<Write> fences;
  fences.reserve(plan.fences.size());
  for (const Pod* pod : plan.fences) fences.push_back(make_write(*pod, StampKind::fenced));
  if (plan.promote != nullptr) promotion_ = make_write(*plan.promote, StampKind::promoted);
  for (const Write& fence : fences) send(fence);
  if (fences.empty()) promote();
}

void GroupTarget::send(const Write& write) {
  const bool is_fence = write.kind == StampKind::fenced;
  api_.patch(write.seen.name, write.body, timeout_ms_,
             [this, is_fence, write, attempt = attempt_](ApiClient::PatchAnswer answer) {
               host_.count("patches_total", "result",
                           answer.error ? answer.error->label().c_str() : "ok");
               if (answer.pod) watch_.written(*answer.pod);
               answer = judged(write, std::move(answer));
               if (!answer.error) log_write(write);
               if (attempt != attempt_) {  // which was given up meanwhile
                 reassess();
                 return;
               }
               if (is_fence) {
                 fenced(write, std::move(answer));
               } else {
                 promoted(std::move(answer));
               }
             });
}

// A write is confirmed by an answer that shows it, and by nothing else.
ApiClient::PatchAnswer GroupTarget::judged(const Write& write,
                                           ApiClient::PatchAnswer answer) const {
  if (answer.error) return answer;
  const std::string pod = fmt::format("pod {}/{}", api_.pod_namespace(), write.seen.name);
  if (!answer.pod) {  // whether it was done a list tells
    answer.error.emplace();
    answer.error->kind = ApiError::Kind::moved_on;
    answer.error->message = pod + ": the answer to the patch is no pod";
  } else if (!shows(*answer.pod, write.seen, write.stamp, api_.rule())) {
    answer.error.emplace();
    answer.error->message =
        fmt::format("{}: the API server took the {} and does not show it (a webhook?)", pod,
                    write.kind == StampKind::promoted ? "label" : "fence");
  }
  return answer;
}

void GroupTarget::fenced(const Write& write, ApiClient::PatchAnswer answer) {
  const bool unconfirmed =
      answer.error && answer.error->code == 0 && !answer.error->without_answer();
  if (!answer.error || unconfirmed) took_label_ |= write.seen.carries(api_.rule());
  if (!answer.error) {
    host_.count("fenced_total");
  } else if (!failure_ || failure_->first.kind == ApiError::Kind::moved_on) {
    // What a list does not mend goes before what it does.
    failure_.emplace(std::move(*answer.error), write.seen);
  }
  if (--under_way_ > 0) return;
  if (failure_) {
    const auto [error, seen] = *failure_;
    failed(error, seen);
  } else {
    promote();
  }
}

void GroupTarget::promote() {
  if (!promotion_) {
    if (verdict_ == Plan::Verdict::no_pod_stale) {
      decide();  // the old label is off, and there is still no pod
    } else {
      finish(VR_APPLIED, {});
    }
    return;
  }
  if (cancelled_ && !took_label_) {
    finish(VR_CANCELLED, {});
    return;
  }
  phase_ = Phase::promoting;
  send(*promotion_);
}

void GroupTarget::promoted(ApiClient::PatchAnswer answer) {
  if (answer.error) {
    const Pod seen = promotion_->seen;
    failed(*answer.error, seen);
  } else {
    finish(VR_APPLIED, {});
  }
}

void GroupTarget::failed(const ApiError& error, const Pod& seen) {
  if (error.kind == ApiError::Kind::moved_on) {
    start_over(error, seen);
    return;
  }
  // Something in the server may be slow (a webhook) though the server is not: more patience, then.
  if (error.kind == ApiError::Kind::timeout) {
    timeout_ms_ = std::max(timeout_ms_, std::min(timeout_ms_ * 2, longest_timeout_ms));
  }
  if (!error.without_answer()) show_problem("change-refused", error.message);
  finish(cancelled_ ? VR_CANCELLED : VR_RETRY, error.message);
}

void GroupTarget::start_over(const ApiError& error, const Pod& seen) {
  if (cancelled_ && !took_label_) {
    finish(VR_CANCELLED, {});
    return;
  }
  if (++restarts_ > most_restarts) {
    finish(VR_RETRY, "others change the pods at the same time; " + error.message);
    return;
  }
  phase_ = Phase::listing;
  const auto list = [this, error, seen] {
    watch_.list([this, attempt = attempt_, error, seen](const std::optional<ApiError>& failure) {
      if (attempt != attempt_) return;
      if (failure) {
        failed(*failure, seen);
        return;
      }
      listed_ = true;
      const auto now = watch_.pods().find(seen.name);
      // 422 is also how a server refuses what no other time will mend: then the pod is as it was.
      const bool unchanged = now != watch_.pods().end() && now->second.uid == seen.uid &&
                             now->second.stamp.text == seen.stamp.text &&
                             now->second.label == seen.label;
      if (unchanged && error.code == 422) {
        show_problem("change-refused", error.message);
        finish(VR_RETRY, error.message);
      } else if (is_pointless_now()) {
        finish(VR_CANCELLED, {});
      } else {
        decide();
      }
    });
  };
  // At once; where that goes on, a little apart from those with whom it collides.
  if (restarts_ <= 2) {
    list();
  } else {
    pause_.start(between(1, 10ull << restarts_), list);
  }
}

void GroupTarget::log_write(const Write& write) const {
  const LabelRule& rule = api_.rule();
  const std::string pod = api_.pod_namespace() + "/" + write.seen.name;
  if (write.kind == StampKind::promoted) {
    host_.log(VR_INFO, name_, "pod {} labelled {}={} for {}{}{}", pod, rule.name, rule.value,
              describe(write.stamp.claim), cause_.empty() ? "" : ", by ", cause_);
  } else if (write.seen.label) {
    host_.log(VR_INFO, name_, "pod {} unlabelled for {}", pod, describe(write.stamp.claim));
  } else {
    host_.log(VR_DEBUG, name_, "pod {} fenced for {}", pod, describe(write.stamp.claim));
  }
}

}  // namespace reconciler
