// Whether a child is alive, judged by its heartbeats: finds the blocked loop that waitpid can't.
// Pure: times come in.
#pragma once

#include <cstdint>

namespace reconciler {

// All times in milliseconds on one monotonic clock.
class Liveness {
 public:
  Liveness(int64_t deadline_ms, int64_t now_ms) : deadline_ms_(deadline_ms), heard_ms_(now_ms) {}

  void heard(int64_t now_ms) { heard_ms_ = now_ms; }
  bool silent(int64_t now_ms) const { return now_ms - heard_ms_ > deadline_ms_; }
  int64_t silent_for(int64_t now_ms) const { return now_ms - heard_ms_; }

 private:
  int64_t deadline_ms_;
  int64_t heard_ms_;
};

// Finds that the supervisor itself stood still (SIGSTOP, a frozen machine): then nobody could be
// heard, and everyone gets a new deadline.
class PauseDetector {
 public:
  // `limit_ms`: several times the time between two ticks.
  PauseDetector(int64_t limit_ms, int64_t now_ms) : limit_ms_(limit_ms), last_ms_(now_ms) {}

  // Called at every tick; true where the last one was longer ago than the limit.
  bool ticked(int64_t now_ms) {
    const bool paused = now_ms - last_ms_ > limit_ms_;
    last_ms_ = now_ms;
    return paused;
  }

 private:
  int64_t limit_ms_;
  int64_t last_ms_;
};

}  // namespace reconciler
