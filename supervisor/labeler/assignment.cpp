#include "supervisor/labeler/assignment.h"

#include <utility>

#include "common/result.h"

namespace reconciler::labeler {

Assignment::Assignment(int64_t retry_min_ms, int64_t retry_max_ms)
    : backoff_(retry_min_ms, retry_max_ms), retry_min_ms_(retry_min_ms) {}

Step Assignment::arrived(uint64_t revision, bool asks_for_another) {
  newest_ = revision;
  backoff_.reset();
  if (!open_) return begin();
  return asks_for_another ? cancel() : Step{};
}

Step Assignment::completed(ipc::OutcomeKind outcome, uint64_t random) {
  if (!open_) abort_with("a request was completed that is not open");
  const bool outdated = open_ != newest_;
  const bool again = changed_;
  open_.reset();
  cancelling_ = false;
  changed_ = false;
  if (outcome == ipc::OutcomeKind::applied) backoff_.reset();
  if (outdated) return begin();

  switch (outcome) {
    case ipc::OutcomeKind::applied:
    case ipc::OutcomeKind::rejected:
      return again ? begin() : Step{};
    case ipc::OutcomeKind::retry:
    case ipc::OutcomeKind::cancelled:  // it was overdue
      break;
  }
  if (stopping_) return {};
  waiting_ = true;
  hurried_ = false;
  return {Step::Kind::wait, backoff_.next(random)};
}

Step Assignment::changed() {
  if (!newest_) return {};
  if (open_) {
    changed_ = true;
    return {};
  }
  if (waiting_ && !stopping_) {
    // What stood in the way may be gone: soon, but a plugin that says so again and again neither
    // gets a busy loop nor puts the attempt off.
    if (std::exchange(hurried_, true)) return {};
    return {Step::Kind::wait, retry_min_ms_};
  }
  return begin();
}

Step Assignment::due() {
  if (!waiting_) return {};
  return begin();
}

Step Assignment::overdue() { return open_ ? cancel() : Step{}; }

Step Assignment::stop() {
  stopping_ = true;
  waiting_ = false;
  return open_ ? cancel() : Step{};
}

Step Assignment::begin() {
  if (stopping_) return {};
  waiting_ = false;
  open_ = newest_;
  return {Step::Kind::apply};
}

Step Assignment::cancel() {
  if (cancelling_) return {};
  cancelling_ = true;
  return {Step::Kind::cancel};
}

}  // namespace reconciler::labeler
