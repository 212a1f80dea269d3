// Whether a child is alive, judged by its heartbeats: finds the blocked loop that waitpid can't.
// Pure: times come in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reconciler {

// All times in milliseconds on one monotonic clock.
class Liveness {
 public:
  Liveness(int64_t deadline_ms, int64_t now_ms) : deadline_ms_(deadline_ms), heard_ms_(now_ms) {}

  void heard(int64_t now_ms) { heard_ms_ = now_ms; }
  bool silent(int64_t now_ms) const { return now_ms - heard_ms_ > deadline_ms_; }
  int64_t silent_for(int64_t now_ms) const { return now_ms - heard_ms_; }
  // The first moment at which it may be found silent.
  int64_t due_ms() const { return heard_ms_ + deadline_ms_ + 1; }

 private:
  int64_t deadline_ms_;
  int64_t heard_ms_;
};

// When the supervisor looks at its children. Each beat is an occasion, so that at rest no timer wakes
// it: that is only for when nobody beats. And a gap between two looks says that the supervisor itself
// stood still (SIGSTOP, a frozen machine): then nobody could be heard, and everyone gets a new deadline.
class Looks {
 public:
  // Deadline and interval of the children's heartbeats; the first is the longer one.
  Looks(int64_t deadline_ms, int64_t interval_ms, int64_t now_ms)
      : slack_ms_(deadline_ms - interval_ms), last_ms_(now_ms) {}

  // The next one is due so long after the last one, where no beat comes.
  int64_t period_ms() const { return std::min(slack_ms_ * 5 / 8, longest_ms); }

  // Whether a beat is occasion enough.
  bool wanted(int64_t now_ms) const { return now_ms - last_ms_ >= period_ms() / 8; }

  // A look begins; true where the supervisor stood still before it. What is not found so is shorter
  // than the slack: a child that beat in time is not taken for a silent one.
  bool stood_still(int64_t now_ms) {
    const bool paused = now_ms - last_ms_ > period_ms() + slack_ms_ / 4;
    last_ms_ = now_ms;
    return paused;
  }

 private:
  // There is more to look after than beats (log_repetition.h, History).
  static constexpr int64_t longest_ms = 2'500;

  int64_t slack_ms_;
  int64_t last_ms_;
};

}  // namespace reconciler
