// The writes of a GroupTarget: fence, promote, start over. group_target.h has the whole picture.
#include <algorithm>
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/dry_run.h"
#include "plugins/kubernetes/group_target.h"
#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/pauses.h"

namespace reconciler {

namespace {

constexpr int most_restarts = 8;
constexpr int too_many_requests = 429;
constexpr uint64_t longest_timeout_ms = 30000;

// In all that the patches of a pod have for a precondition.
bool is_as_seen(const Pod& now, const Pod& seen) {
  return now.uid == seen.uid && now.stamp.text == seen.stamp.text && now.pause == seen.pause &&
         now.label == seen.label && now.has_labels == seen.has_labels &&
         now.has_annotations == seen.has_annotations;
}

}  // namespace

GroupTarget::Write GroupTarget::make_write(const Pod& pod, StampKind kind, bool is_replica) {
  const Stamp stamp{wanted_->claim, kind, random_number(), name_};
  written_.push_back(stamp.unique);
  return {pod, kind, stamp,
          kind == StampKind::fenced ? fence_patch(pod, stamp, api_.rule(), is_replica)
                                    : promote_patch(pod, stamp, api_.rule())};
}

void GroupTarget::start_writing(const Plan& plan) {
  if (settings_.dry_run) {
    end_dry_run(in_words(plan, api_.rule(), api_.pod_namespace()));
    return;
  }
  if (is_held()) return;
  phase_ = Phase::fencing;
  failure_.reset();
  withdraw_promotion();
  fences_.clear();
  fences_.reserve(plan.fences.size());
  const Replicas replicas = find_replicas(*wanted_, watch_.items(), api_.pod_namespace());
  for (const Pod* pod : plan.fences) {
    fences_.push_back(make_write(*pod, StampKind::fenced, replicas.pods.contains(pod->name)));
  }
  // One by one, the label goes last: that is when the group begins to be without.
  std::stable_partition(fences_.begin(), fences_.end(),
                        [&](const Write& fence) { return fence.seen.carries(api_.rule()); });
  send_fences();
  // Made while the answers are waited for.
  if (plan.promote != nullptr) {
    promotion_ = std::make_unique<Write>(make_write(*plan.promote, StampKind::promoted, false));
  }
  if (!waits_for_fences()) {
    promote();
  } else if (promotion_ && fences_.empty() && restarts_ == 0 && outcome_ != VR_RETRY) {
    hold_promotion();
  }
}

// Its head is with the server when the last fence is confirmed, and only the patch itself is still to be sent. At a first try
// alone: in a server that has too much to do it takes a place that the fence may be waiting for.
void GroupTarget::hold_promotion() {
  const uint64_t unique = promotion_->stamp.unique;
  held_promotion_ = api_.hold_patch<Pod>(
      api_.pods(), promotion_->seen.name, promotion_->body,
      [this, unique](WriteAnswer<Pod> answer) { answered(unique, std::move(answer)); },
      [this, unique] { return find_unconfirmed(unique) != unconfirmed_.end(); });
}

void GroupTarget::withdraw_promotion() {
  if (held_promotion_) api_.withdraw(*held_promotion_);
  held_promotion_.reset();
  promotion_.reset();
}

// All at once, unless the server said that this is too much: fences that refuse each other would do so again.
void GroupTarget::send_fences() {
  std::vector<Write> now;
  if (one_by_one_ && !fences_.empty()) {
    now.push_back(std::move(fences_.back()));
    fences_.pop_back();
  } else {
    now.swap(fences_);
  }
  for (Write& fence : now) send(std::move(fence));
}

void GroupTarget::send(Write write) {
  pause_between_steps();
  write.attempt = attempt_;
  const uint64_t unique = write.stamp.unique;
  std::string body = std::move(write.body);
  const std::string& pod = unconfirmed_.emplace_back(std::move(write)).seen.name;
  api_.patch<Pod>(
      api_.pods(), pod, std::move(body), timeout_ms_,
      [this, unique](WriteAnswer<Pod> answer) { answered(unique, std::move(answer)); },
      [this, unique] { return find_unconfirmed(unique) != unconfirmed_.end(); });
}

std::list<GroupTarget::Write>::iterator GroupTarget::find_unconfirmed(uint64_t unique) {
  return std::find_if(unconfirmed_.begin(), unconfirmed_.end(),
                      [&](const Write& write) { return write.stamp.unique == unique; });
}

void GroupTarget::answered(uint64_t unique, WriteAnswer<Pod> answer) {
  if (answer.error && answer.error->code == too_many_requests) one_by_one_ = true;
  if (answer.item && !answer.item->vanishing) watch_.written(*answer.item);
  const auto found = find_unconfirmed(unique);
  if (found == unconfirmed_.end()) return;  // seen to be done before
  host_.count("patches_total", "result", answer.error ? answer.error->label().c_str() : "ok");
  Write write = std::move(*found);
  unconfirmed_.erase(found);
  std::optional<ApiError> error = judged(write, std::move(answer));
  ended(write, std::move(error));
}

// By the watch. A stamp that nobody else writes is there: so this write was done, and whatever its answer will be, or that
// there is none, changes nothing of that. It is often here before the answer.
void GroupTarget::confirm_what_is_seen() {
  const auto is_seen = [this](const Write& write) {
    const auto pod = watch_.items().find(write.seen.name);
    return pod != watch_.items().end() && !pod->second.vanishing &&
           shows(pod->second, write.seen, write.stamp, api_.rule());
  };
  while (true) {
    const auto found = std::find_if(unconfirmed_.begin(), unconfirmed_.end(), is_seen);
    if (found == unconfirmed_.end()) return;
    Write write = std::move(*found);
    unconfirmed_.erase(found);
    host_.count("patches_total", "result", "ok");
    ended(write, std::nullopt);
  }
}

// An answer confirms a write by showing it, and by nothing else.
std::optional<ApiError> GroupTarget::judged(const Write& write, WriteAnswer<Pod> answer) const {
  if (answer.error) return std::move(answer.error);
  const std::string pod = fmt::format("pod {}/{}", api_.pod_namespace(), write.seen.name);
  ApiError error;
  if (answer.item->vanishing) {
    error.kind = ApiError::Kind::moved_on;
    error.message = pod + " is being deleted: what was written to it is not kept";
  } else if (!shows(*answer.item, write.seen, write.stamp, api_.rule())) {
    error.message = fmt::format("{}: the API server took the {} and does not show it (a webhook?)",
                                pod, write.kind == StampKind::promoted ? "label" : "fence");
  } else {
    return std::nullopt;
  }
  return error;
}

void GroupTarget::ended(const Write& write, std::optional<ApiError> error) {
  if (!error) done_.push_back(write);
  if (write.attempt != attempt_) {  // which was given up meanwhile
    tell_done();
    reassess();
  } else if (write.kind == StampKind::fenced) {
    fenced(write, std::move(error));
    tell_done();  // what follows was sent before
  } else {
    promoted(write, error);
  }
}

bool GroupTarget::waits_for_fences() const {
  return std::any_of(unconfirmed_.begin(), unconfirmed_.end(),
                     [this](const Write& write) { return write.attempt == attempt_; });
}

void GroupTarget::fenced(const Write& write, std::optional<ApiError> error) {
  pause_between_steps();
  const bool unconfirmed = error && error->code == 0 && !error->without_answer();
  if (!error || unconfirmed) took_label_ |= write.seen.carries(api_.rule());
  // What a list does not mend goes before what it does.
  if (error && (!failure_ || failure_->first.mended_by_list())) {
    failure_ = std::make_unique<std::pair<ApiError, Pod>>(std::move(*error), write.seen);
  }
  if (waits_for_fences()) return;
  if (failure_) {
    const auto [cause, seen] = *failure_;
    failed(cause, seen);
  } else if (cancelled_ && !took_label_ && !fences_.empty()) {
    finish(VR_CANCELLED, {});
  } else if (!fences_.empty()) {
    send_fences();
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
  send_promotion();
}

void GroupTarget::send_promotion() {
  Write write = std::move(*promotion_);
  promotion_.reset();
  if (const auto held = std::exchange(held_promotion_, std::nullopt)) {
    pause_between_steps();
    if (api_.release(*held, timeout_ms_)) {
      write.attempt = attempt_;
      unconfirmed_.push_back(std::move(write));
      return;
    }
  }
  send(std::move(write));
}

void GroupTarget::promoted(const Write& write, const std::optional<ApiError>& error) {
  if (error) {
    failed(*error, write.seen);
  } else {
    finish(VR_APPLIED, {});
  }
}

void GroupTarget::failed(const ApiError& error, const Pod& seen) {
  if (error.mended_by_list()) {
    start_over(error, seen);
  } else {
    ended_by(error);
  }
}

void GroupTarget::ended_by(const ApiError& error) {
  // Something in the server may be slow (a webhook) though the server is not: more patience, then.
  if (error.kind == ApiError::Kind::timeout) {
    timeout_ms_ = std::max(timeout_ms_, std::min(timeout_ms_ * 2, longest_timeout_ms));
  }
  if (!error.without_answer()) problems_.show("change-refused", error.message);
  hold_.after(error);
  finish(cancelled_ ? VR_CANCELLED : VR_RETRY, error.message);
}

void GroupTarget::start_over(const ApiError& error, const Pod& seen) {
  if (cancelled_ && !took_label_) {
    finish(VR_CANCELLED, {});
    return;
  }
  if (++restarts_ > most_restarts) {
    const bool contended = error.kind == ApiError::Kind::moved_on;
    finish(VR_RETRY,
           (contended ? "others change the pods at the same time; " : "") + error.message);
    return;
  }
  withdraw_promotion();
  phase_ = Phase::listing;
  const auto list = [this, error, seen] {
    watch_.list([this, attempt = attempt_, error, seen](const std::optional<ApiError>& failure) {
      if (attempt != attempt_) return;
      if (failure) {
        ended_by(*failure);
        return;
      }
      listed_ = true;
      const auto now = watch_.items().find(seen.name);
      // 422 is also how a server refuses what no other time will mend: then the pod is as it was.
      const bool unchanged = now != watch_.items().end() && is_as_seen(now->second, seen);
      if (unchanged && error.code == 422) {
        ended_by(error);
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
    pause_.start(random_between(1, 10ull << restarts_), list);
  }
}

void GroupTarget::end_dry_run(const std::string& words) {
  // What is said of the pods as to the primary is said anew whenever they change.
  dry_run_said_ = verdict_ == Plan::Verdict::right ? words : "";
  problems_.clear();
  if (words.empty()) {
    finish(VR_APPLIED, {});
  } else {
    finish(VR_REJECTED, "dry run: would " + words);
  }
}

std::string GroupTarget::words_for_replicas() const {
  if (!api_.rule().marks_replicas() || problems_.paused()) return {};
  const Replicas replicas = find_replicas(*wanted_, watch_.items(), api_.pod_namespace());
  return in_words(plan_replica_labels(replicas, *wanted_, watch_.items(), api_.rule()), api_.rule(),
                  api_.pod_namespace());
}

void GroupTarget::tell_done() {
  for (const Write& write : std::exchange(done_, {})) note_write(write);
}

void GroupTarget::note_write(const Write& write) {
  log_write(write);
  if (write.kind == StampKind::fenced) host_.count("fenced_total");
  const auto moved = moved_.find(write.seen.name);
  auto event = event_of({write.seen, write.stamp, cause_,
                         moved == moved_.end() ? std::nullopt : std::optional(moved->second)},
                        api_.rule());
  if (!event) return;
  to_tell_.push_back(std::move(*event));
  if (request_ == nullptr) events_.tell(events_budget_, std::exchange(to_tell_, {}));
}

void GroupTarget::log_write(const Write& write) const {
  const LabelRule& rule = api_.rule();
  const std::string pod = api_.pod_namespace() + "/" + write.seen.name;
  if (write.kind == StampKind::promoted) {
    host_.log(VR_INFO, name_, "pod {} labelled {}={} for {}{}{}", pod, rule.name, rule.value,
              describe(write.stamp.claim), cause_.empty() ? "" : ", by ", cause_);
  } else if (rule.is_shared() ? write.seen.carries(rule) : write.seen.label.has_value()) {
    host_.log(VR_INFO, name_, "pod {} unlabelled for {}", pod, describe(write.stamp.claim));
  } else {
    host_.log(VR_DEBUG, name_, "pod {} fenced for {}", pod, describe(write.stamp.claim));
  }
}

}  // namespace reconciler
