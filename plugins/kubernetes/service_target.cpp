#include "plugins/kubernetes/service_target.h"

#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/pauses.h"
#include "plugins/kubernetes/turn.h"

namespace reconciler {

namespace {

// A labeler waits 3 s for what it has cancelled.
constexpr uint64_t give_up_ms = 2500;

}  // namespace

ServiceTarget::ServiceTarget(Host host, ApiClient& api, PodEvents& events, const Settings& settings,
                             size_t group, SharedWatches& watches)
    : host_(host),
      api_(api),
      settings_(settings),
      name_(settings.groups[group].name),
      objects_(host, api, settings, group, watches,
               {.ready = [this] { objects_ready(); },
                .changed = [this](const ObjectChange& change) { objects_changed(change); },
                .live = [this] { try_again_now(); },
                .failed =
                    [this](const ApiError& error) {
                      if (objects_.ready()) return;
                      list_failure_ = error.message;
                      if (phase_ == Phase::waiting) finish(VR_RETRY, list_failure_);
                    }}),
      count_(host, name_, [this] { host_.changed(name_); }),
      events_(events),
      timeout_ms_(settings.request_timeout_ms),
      hold_(host, [this] { try_again_now(); }),
      replicas_hold_(host, [this] { host_.changed(name_); }),
      pause_(host),
      give_up_(host),
      problems_(host, name_),
      no_pod_timer_(host),
      repairs_(host, name_,
               "somebody else changes what is published again and again: see managedFields of the "
               "Service and its EndpointSlices"),
      service_order_(host, api, settings.request_timeout_ms, [this] { reassess(); }),
      slice_order_(host, api, settings.request_timeout_ms, [this] { reassess(); }) {}

void ServiceTarget::apply(const vr_topology& topology, vr_request* request) {
  Wanted wanted = wanted_from(topology);
  wanted.claim.decision = count_.told(wanted.claim.decision);
  if (!wanted_ || wanted_->claim != wanted.claim) {
    no_pod_since_ns_.reset();
    hold_.lift();
    replicas_hold_.lift();
  }
  wanted_ = std::move(wanted);
  cause_ = topology.cause == nullptr ? "" : topology.cause;
  request_ = request;
  events_.attempt_begun();
  ++attempt_;
  repairs_.begun();
  cancelled_ = delayed_ = listed_ = false;
  restarts_ = 0;
  if (!objects_.ready()) {
    phase_ = Phase::waiting;
    if (!list_failure_.empty()) finish(VR_RETRY, list_failure_);
  } else if (objects_.polls()) {
    list_then_decide();
  } else {
    decide();
  }
}

// To release is to let a lower decision in: not where none is held off.
void ServiceTarget::order(const vr_order& order, vr_request* request) {
  if (order.kind == VR_RELEASE && (!wanted_ || !objects_.ready())) {
    host_.complete(request, VR_REJECTED,
                   wanted_ ? "the Service is not known yet" : "no primary is known yet");
    return;
  }
  const auto refusal = [this, kind = order.kind]() -> std::string {
    if (kind != VR_RELEASE) return {};
    count_.learn(*wanted_, stamp_of(*wanted_, objects_.holder()));
    if (objects_.plan(*wanted_).verdict == ServicePlan::Verdict::stand_down) return {};
    return fmt::format("nothing to release: no higher decision than {} is remembered",
                       describe(wanted_->claim));
  };
  const OperatorOrder what = operator_order(order, random_number());
  if (objects_.is_about_slices(order.kind)) {
    OrderScope<Slice> scope = objects_.scope_of_slices();
    scope.refusal = refusal;
    slice_order_.start(std::move(scope), what, request);
  } else {
    OrderScope<Service> scope = objects_.scope_of_service();
    scope.refusal = refusal;
    service_order_.start(std::move(scope), what, request);
  }
}

bool ServiceTarget::cancel(const vr_request* request) {
  if (service_order_.cancel(request) || slice_order_.cancel(request)) return true;
  if (request != request_) return false;
  cancelled_ = true;
  if (phase_ == Phase::writing || phase_ == Phase::writing_replicas) {
    // But not for ever: an answer that never comes is no different from one that comes after we have died.
    give_up_.start(give_up_ms, [this] { finish(VR_CANCELLED, "no answer from the API server"); });
  } else {
    finish(VR_CANCELLED, {});
  }
  return true;
}

void ServiceTarget::api_is_back() {
  retry_replicas();
  try_again_now();
}

void ServiceTarget::rights_were_given() {
  hold_.lift();
  retry_replicas();
  try_again_now();
}

void ServiceTarget::try_again_now() {
  if (request_ == nullptr && has_failed(outcome_)) host_.changed(name_);
}

void ServiceTarget::decide() {
  count_.learn(*wanted_, stamp_of(*wanted_, objects_.holder()));
  const ServicePlan plan = objects_.plan(*wanted_);
  problems_.show_pause(plan.pause);
  pause_between_steps();
  using Verdict = ServicePlan::Verdict;
  if (plan.verdict != Verdict::no_pod && plan.verdict != Verdict::no_pod_stale) {
    no_pod_since_ns_.reset();
    no_pod_timer_.stop();
  }
  if (plan.verdict != Verdict::stand_down) count_.forget_behind();
  if (plan.verdict != Verdict::change && !confirm()) return;
  show_others(plan.others);
  verdict_ = plan.verdict;
  told_ = plan.cause;
  switch (plan.verdict) {
    case Verdict::right:
      write_replicas();
      break;
    case Verdict::change:
      if (!wait_turn(plan)) write(plan);
      break;
    case Verdict::stand_down:
      stand_down(plan);
      break;
    case Verdict::paused:
      problems_.clear();
      leave_replicas();
      finish(VR_REJECTED, plan.cause);
      break;
    case Verdict::refused:
      reject(plan);
      break;
    case Verdict::no_pod:
    case Verdict::no_pod_stale:
      decide_without_pod(plan);
      break;
  }
}

void ServiceTarget::stand_down(const ServicePlan& plan) {
  if (plan.newer_format) {
    count_.forget_behind();
  } else if (count_.takes_over(*wanted_, stamp_of(*wanted_, objects_.holder()))) {
    decide();
    return;
  }
  ServicePlan patient = plan;
  patient.cause += count_.patience();
  reject(patient);
}

void ServiceTarget::reject(const ServicePlan& plan) {
  problems_.show(plan.problem, plan.cause);
  leave_replicas();
  finish(VR_REJECTED, plan.cause);
}

void ServiceTarget::decide_without_pod(const ServicePlan& plan) {
  const uint64_t now = host_.now_ns();
  if (!no_pod_since_ns_) no_pod_since_ns_ = now;
  ServicePlan waiting = plan;
  if (plan.verdict == ServicePlan::Verdict::no_pod_stale) {
    const uint64_t waited_ms = (now - *no_pod_since_ns_) / 1000000;
    if (waited_ms >= settings_.no_match_after_ms) {
      if (!wait_turn(plan)) write(plan);
      return;
    }
    waiting.cause += "; what is published goes if that stays so";
    no_pod_timer_.start(settings_.no_match_after_ms - waited_ms + 1,
                        [this] { host_.changed(name_); });
  }
  reject(waiting);
}

// Whether what was seen is as it is now. To write, a view need not be: preconditions see to that. To rest, it must.
bool ServiceTarget::confirm() {
  if (objects_.live() || listed_) return true;
  list_then_decide();
  return false;
}

bool ServiceTarget::wait_turn(const ServicePlan& plan) {
  if (std::exchange(delayed_, true)) return false;
  const auto wait_ms = wait_for_turn_ms(settings_.node_name, plan.primary, objects_.pods());
  if (!wait_ms) return false;
  phase_ = Phase::delaying;
  after_what_arrived(pause_, *wait_ms, [this] { decide(); });
  return true;
}

void ServiceTarget::finish(vr_outcome outcome, const std::string& reason) {
  pause_.stop();
  give_up_.stop();
  phase_ = Phase::idle;
  ++attempt_;
  outcome_ = outcome;
  if (outcome == VR_APPLIED) {
    verdict_ = ServicePlan::Verdict::right;
    timeout_ms_ = settings_.request_timeout_ms;
    hold_.lift();
    problems_.clear();
  }
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
  events_.attempt_ended();
  events_.tell(events_budget_, std::exchange(to_tell_, {}));
  // What came while a write was under way was not looked at.
  if (outcome == VR_APPLIED) reassess();
}

void ServiceTarget::show_others(const std::string& message) {
  if (!message.empty()) {
    host_.set_blocking(name_, "other-slice", message);
    if (others_ != message) host_.log(VR_WARNING, name_, "{}", message);
  } else if (!others_.empty()) {
    host_.clear_problem(name_, "other-slice");
  }
  others_ = message;
}

void ServiceTarget::objects_ready() {
  list_failure_.clear();
  if (phase_ == Phase::waiting) {
    decide();
  } else {
    try_again_now();
  }
}

void ServiceTarget::objects_changed(const ObjectChange& change) {
  if (request_ != nullptr || !wanted_ || !objects_.ready()) return;
  count_.learn(*wanted_, stamp_of(*wanted_, objects_.holder()));
  if (!settings_.dry_run && !change.moved.empty() &&
      objects_.plan(*wanted_).verdict == ServicePlan::Verdict::change) {
    host_.log(VR_WARNING, name_, "{}/{} was changed by {}; repairing it", api_.pod_namespace(),
              change.moved, change.moved_by.empty() ? "somebody else" : change.moved_by);
  }
  reassess();
}

void ServiceTarget::reassess() {
  if (request_ != nullptr || !wanted_ || !outcome_ || !objects_.ready()) return;
  count_.learn(*wanted_, stamp_of(*wanted_, objects_.holder()));
  const ServicePlan plan = objects_.plan(*wanted_);
  show_others(plan.others);
  const bool resumed = problems_.show_pause(plan.pause);
  const bool at_rest = outcome_ == VR_APPLIED || outcome_ == VR_REJECTED;
  if (plan.verdict == ServicePlan::Verdict::change) {
    repairs_.ask(outcome_ == VR_APPLIED);
  } else if (!at_rest || plan.verdict != verdict_ || plan.cause != told_ || resumed) {
    host_.changed(name_);
  } else if (plan.verdict == ServicePlan::Verdict::right && !problems_.paused() &&
             objects_.has_replicas() && !replicas_hold_.on()) {
    if (objects_.plan_of_replicas(*wanted_).cause != replicas_told_) {
      host_.changed(name_);
    } else if (settings_.dry_run) {
      if (words_for_replicas() != dry_run_said_) host_.changed(name_);
    } else if (objects_.replicas_drifted(*wanted_)) {
      repairs_.ask(true);
    }
  }
}

}  // namespace reconciler
