// The writes of a ServiceTarget, and starting over. service_target.h has the whole picture.
#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/pauses.h"
#include "plugins/kubernetes/service_target.h"

namespace reconciler {

namespace {

constexpr int most_restarts = 8;
constexpr uint64_t longest_timeout_ms = 30000;

}  // namespace

void ServiceTarget::write(const ServicePlan& plan) {
  if (settings_.dry_run) {
    problems_.clear();
    finish(VR_REJECTED, "dry run: would write: " + objects_.make_write(*wanted_, plan).what);
    return;
  }
  if (is_held()) return;
  phase_ = Phase::writing;
  send(objects_.make_write(*wanted_, plan));
}

void ServiceTarget::send(const ServiceObjects::Write& write) {
  pause_between_steps();
  objects_.send(write, timeout_ms_,
                [this, write, attempt = attempt_](const std::optional<ApiError>& error) {
                  if (!error) note_write(write);
                  if (attempt != attempt_) {  // which was given up meanwhile
                    reassess();
                  } else if (error) {
                    failed(*error, write);
                  } else if (write.of_replicas) {
                    replicas_written();
                  } else if (verdict_ == ServicePlan::Verdict::no_pod_stale) {
                    decide();  // the old one is off, and there is still no pod
                  } else {
                    write_replicas();
                  }
                });
}

void ServiceTarget::note_write(const ServiceObjects::Write& write) {
  host_.log(VR_INFO, name_, "{} for {}{}{}", write.what, describe(write.stamp.claim),
            cause_.empty() ? "" : ", by ", cause_);
  for (PodEvent& event : events_of_switch(objects_.service_name(), write.led_to, write.leads_to,
                                          write.stamp, cause_)) {
    to_tell_.push_back(std::move(event));
  }
  if (request_ == nullptr) events_.tell(events_budget_, std::exchange(to_tell_, {}));
}

void ServiceTarget::write_replicas() {
  if (!objects_.has_replicas() || problems_.paused() || replicas_hold_.on() || cancelled_) {
    if (problems_.paused()) leave_replicas();
    finish(VR_APPLIED, {});
    return;
  }
  const ServicePlan plan = objects_.plan_of_replicas(*wanted_);
  replicas_told_ = plan.cause;
  dry_run_said_ = settings_.dry_run ? words_for_replicas() : "";
  if (!dry_run_said_.empty()) {
    problems_.clear();
    finish(VR_REJECTED, "dry run: would write: " + dry_run_said_);
  } else if (plan.verdict == ServicePlan::Verdict::change) {
    phase_ = Phase::writing_replicas;
    send(objects_.make_write_of_replicas(*wanted_, plan));
  } else if (plan.problem != nullptr) {
    show_replicas(plan.cause);
    finish(VR_APPLIED, {});
  } else {
    objects_.replicas_are_right(*wanted_);
    replicas_written();
  }
}

std::string ServiceTarget::words_for_replicas() const {
  const ServicePlan plan = objects_.plan_of_replicas(*wanted_);
  if (plan.verdict != ServicePlan::Verdict::change) return {};
  return objects_.make_write_of_replicas(*wanted_, plan).what;
}

void ServiceTarget::replicas_written() {
  replicas_hold_.lift();
  show_replicas({});
  finish(VR_APPLIED, {});
}

// Nothing is written for them, and what is in the way of it is nobody's problem now.
void ServiceTarget::leave_replicas() {
  replicas_told_.clear();
  show_replicas({});
}

void ServiceTarget::show_replicas(const std::string& problem) {
  const bool is_new = std::exchange(replicas_problem_, problem) != problem;
  if (problem.empty()) {
    host_.clear_problem(name_, "replica-service");
  } else {
    if (is_new) host_.log(VR_WARNING, name_, "{}", problem);
    host_.set_degraded(name_, "replica-service", problem);
  }
}

// The primary is right all the same: it is no reason to be out of sync.
void ServiceTarget::replicas_failed(const ApiError& error) {
  show_replicas(error.message);
  replicas_hold_.after_any(error);
  finish(VR_APPLIED, {});
}

void ServiceTarget::retry_replicas() {
  if (!replicas_hold_.on()) return;
  replicas_hold_.lift();
  host_.changed(name_);
}

// An attempt that would have to ask the API server ends before it does so: the hold's end brings the next one.
bool ServiceTarget::is_held() {
  if (!hold_.on()) return false;
  finish(cancelled_ ? VR_CANCELLED : VR_RETRY, hold_.why());
  return true;
}

void ServiceTarget::list_then_decide() {
  if (is_held()) return;
  phase_ = Phase::listing;
  objects_.list([this, attempt = attempt_](const std::optional<ApiError>& error) {
    if (attempt != attempt_) return;
    if (error) {
      ended_by(*error);
      return;
    }
    listed_ = true;
    decide();
  });
}

void ServiceTarget::failed(const ApiError& error, const ServiceObjects::Write& write) {
  if (error.mended_by_list()) {
    start_over(error, write);
  } else {
    ended_by(error, &write);
  }
}

// `write`: which failed; null: none was sent.
void ServiceTarget::ended_by(const ApiError& error, const ServiceObjects::Write* write) {
  if (write != nullptr && write->of_replicas) {
    replicas_failed(error);
    return;
  }
  // Something in the server may be slow (a webhook) though the server is not: more patience, then.
  if (error.kind == ApiError::Kind::timeout) {
    timeout_ms_ = std::max(timeout_ms_, std::min(timeout_ms_ * 2, longest_timeout_ms));
  }
  if (!error.without_answer()) problems_.show("change-refused", error.message);
  hold_.after(error);
  finish(cancelled_ ? VR_CANCELLED : VR_RETRY, error.message);
}

void ServiceTarget::start_over(const ApiError& error, const ServiceObjects::Write& write) {
  if (cancelled_) {
    finish(VR_CANCELLED, {});
    return;
  }
  if (++restarts_ > most_restarts) {
    if (write.of_replicas) {
      replicas_failed(error);
      return;
    }
    finish(VR_RETRY, "others change the same object at the same time; " + error.message);
    return;
  }
  phase_ = Phase::listing;
  const auto list = [this, error, write] {
    objects_.list([this, attempt = attempt_, error, write](const std::optional<ApiError>& failure) {
      if (attempt != attempt_) return;
      if (failure) {
        ended_by(*failure, &write);
        return;
      }
      listed_ = true;
      // 422 is also how a server refuses what no other time will mend: then the object is as it was.
      if (error.code == 422 && objects_.is_unchanged(write)) {
        ended_by(error, &write);
      } else {
        decide();
      }
    });
  };
  // At once; where that goes on, a little apart from those with whom it collides.
  if (restarts_ <= 2) {
    list();
  } else {
    pause_.start(random_between(1, 10ull << restarts_), list);
  }
}

}  // namespace reconciler
