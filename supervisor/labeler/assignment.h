// When one group's topology is given to the plugin: coalescing, retry and drift. Pure: no loop, no
// clock, no plugin.
#pragma once

#include <cstdint>
#include <optional>

#include "common/backoff.h"
#include "common/ipc/message.h"

namespace reconciler::labeler {

// What the labeler is to do now; at most one of them.
struct Step {
  enum class Kind : uint8_t {
    nothing,
    apply,   // hand the newest topology to the plugin
    cancel,  // ask the plugin to end the open request early
    wait,    // call `due` in `wait_ms`; replaces an earlier wait
  };
  Kind kind = Kind::nothing;
  int64_t wait_ms = 0;
};

// Driven by Labeler, one for each group. Whoever gets `apply` has begun a request; it ends with
// `completed`.
class Assignment {
 public:
  // Backoff between attempts, milliseconds.
  Assignment(int64_t retry_min_ms, int64_t retry_max_ms);

  // A topology came, newer than every one before. `asks_for_another`: than what the open request is about. One that asks for
  // the same lets it finish, and follows it: what a program or a receiver has begun is not cut off for a replica's sake.
  Step arrived(uint64_t revision, bool asks_for_another);

  // The plugin has completed the open request. `random`: for the jitter of the backoff.
  Step completed(ipc::OutcomeKind outcome, uint64_t random);

  // The plugin saw the target differ.
  Step changed();

  // The wait is over.
  Step due();

  // The open request took too long.
  Step overdue();

  // Nothing new is to be begun any more.
  Step stop();

  bool open() const { return open_.has_value(); }
  // Of the open request.
  uint64_t open_revision() const { return open_.value_or(0); }
  int failures() const { return backoff_.failures(); }

 private:
  Step begin();
  Step cancel();

  Backoff backoff_;
  int64_t retry_min_ms_;
  std::optional<uint64_t> newest_;  // revision
  std::optional<uint64_t> open_;    // revision that the plugin is at work on
  bool cancelling_ = false;
  bool changed_ = false;  // while a request was open
  bool waiting_ = false;  // for a retry
  bool hurried_ = false;  // the wait was shortened already
  bool stopping_ = false;
};

}  // namespace reconciler::labeler
