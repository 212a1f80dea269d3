#include "plugins/kubernetes/group_target.h"

#include <utility>

#include "plugins/kubernetes/address.h"

namespace reconciler {

namespace {

constexpr uint64_t repair_window_ns = 10ull * 1000000000;
constexpr int repairs_at_once = 6;
constexpr uint64_t repair_pause_ms = 1000;
constexpr uint64_t contest_over_ms = 15000;
// A labeler waits 3 s for what it has cancelled.
constexpr uint64_t give_up_ms = 2500;

Wanted wanted_from(const vr_topology& topology) {
  Wanted wanted;
  wanted.group = topology.group;
  wanted.host = canonical_host(topology.primary->host);
  wanted.port = topology.primary->port;
  wanted.claim.decision = {topology.era, topology.epoch, topology.step};
  wanted.claim.address = host_and_port(wanted.host, wanted.port);
  wanted.withdrawn = topology.state == VR_PRIMARY_SUSPECTED;
  return wanted;
}

}  // namespace

GroupTarget::GroupTarget(Host host, ApiClient& api, const Settings& settings,
                         const Settings::Group& group)
    : host_(host),
      api_(api),
      settings_(settings),
      name_(group.name),
      watch_(host, api, group.name, group.selector,
             {.poll_ms = settings.poll_ms, .resync_ms = settings.resync_ms},
             {.listed =
                  [this] {
                    list_failure_.clear();
                    if (phase_ == Phase::waiting) {
                      decide();
                    } else {
                      try_again_now();
                    }
                  },
              .changed = [this](const PodStore::Change& change) { pods_changed(change); },
              .live = [this] { try_again_now(); },
              .failed =
                  [this](const ApiError& error) {
                    if (watch_.listed()) return;
                    list_failure_ = error.message;
                    if (phase_ == Phase::waiting) finish(VR_RETRY, list_failure_);
                  }}),
      behind_timer_(host),
      timeout_ms_(settings.request_timeout_ms),
      hold_(host, [this] { try_again_now(); }),
      pause_(host),
      give_up_(host),
      no_pod_timer_(host),
      repair_later_(host),
      contest_over_(host) {}

void GroupTarget::apply(const vr_topology& topology, vr_request* request) {
  Wanted wanted = wanted_from(topology);
  told_ = wanted.claim.decision;
  wanted.claim.decision = ahead_.of(told_);
  if (!wanted_ || wanted_->claim != wanted.claim) {
    no_pod_since_ns_.reset();
    hold_.lift();
  }
  wanted_ = std::move(wanted);
  cause_ = topology.cause == nullptr ? "" : topology.cause;
  request_ = request;
  ++attempt_;
  asked_ = cancelled_ = delayed_ = listed_ = took_label_ = false;
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

bool GroupTarget::cancel(const vr_request* request) {
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

void GroupTarget::api_is_back() {
  watch_.retry_now();
  try_again_now();
}

void GroupTarget::rights_were_given() {
  hold_.lift();
  watch_.retry_now();
  try_again_now();
}

void GroupTarget::try_again_now() {
  if (request_ == nullptr && outcome_ == VR_RETRY) host_.changed(name_);
}

void GroupTarget::finish(vr_outcome outcome, const std::string& reason) {
  pause_.stop();
  give_up_.stop();
  phase_ = Phase::idle;
  promotion_.reset();
  failure_.reset();
  ++attempt_;
  outcome_ = outcome;
  if (outcome == VR_APPLIED) {
    verdict_ = Plan::Verdict::right;
    timeout_ms_ = settings_.request_timeout_ms;
    hold_.lift();
    show_problem(nullptr, {});
  }
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
  // What came while patches were under way was not looked at.
  if (outcome == VR_APPLIED) reassess();
}

void GroupTarget::show_problem(const char* id, const std::string& message) {
  const std::string next = id == nullptr ? "" : id;
  if (!problem_.empty() && problem_ != next) host_.clear_problem(name_, problem_.c_str());
  problem_ = next;
  if (id != nullptr) host_.set_blocking(name_, id, message);
}

// While all is right anyway it is no more than worth knowing.
void GroupTarget::show_pause(const Plan& plan) {
  if (std::exchange(paused_, plan.pause) == plan.pause) return;
  if (plan.pause.empty()) {
    host_.log(VR_INFO, name_, "no longer paused");
    host_.clear_problem(name_, "paused");
  } else {
    host_.log(VR_WARNING, name_, "{}; nothing is written", plan.pause);
    host_.set_degraded(name_, "paused", plan.pause);
  }
}

void GroupTarget::pods_changed(const PodStore::Change& change) {
  if (request_ != nullptr || !wanted_) return;
  learn();
  if (!change.moved_pod.empty()) {
    const Plan plan = make_plan(*wanted_, watch_.pods(), api_.rule(), api_.pod_namespace());
    if (plan.verdict == Plan::Verdict::change) {
      host_.log(VR_WARNING, name_, "label {} of pod {}/{} was {} by {}; repairing it",
                api_.rule().name, api_.pod_namespace(), change.moved_pod,
                change.moved_on ? "set" : "taken off",
                change.moved_by.empty() ? "somebody else" : change.moved_by);
    }
  }
  reassess();
}

void GroupTarget::reassess() {
  if (request_ != nullptr || !wanted_ || !outcome_) return;
  learn();
  const Plan plan = make_plan(*wanted_, watch_.pods(), api_.rule(), api_.pod_namespace());
  show_pause(plan);
  const bool at_rest = outcome_ == VR_APPLIED || outcome_ == VR_REJECTED;
  const bool before_another =
      plan.verdict == Plan::Verdict::stand_down && plan.higher != stands_before_;
  if (plan.verdict == Plan::Verdict::change) {
    ask_again();
  } else if (!at_rest || plan.verdict != verdict_ || before_another) {
    host_.changed(name_);
  }
}

void GroupTarget::ask_again() {
  const uint64_t now = host_.now_ns();
  if (now - repairs_since_ns_ > repair_window_ns) {
    repairs_since_ns_ = now;
    repairs_ = 0;
  }
  // What else comes before the host's turn is no further repair.
  if (!std::exchange(asked_, true)) ++repairs_;
  if (repairs_ <= repairs_at_once) {
    host_.changed(name_);
    return;
  }
  host_.set_degraded(
      name_, "contested",
      "somebody else moves the label again and again: see managedFields of the pods");
  contest_over_.start(contest_over_ms, [this] { host_.clear_problem(name_, "contested"); });
  if (!repair_later_.running()) {
    repair_later_.start(repair_pause_ms, [this] { host_.changed(name_); });
  }
}

}  // namespace reconciler
