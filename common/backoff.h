// Waiting longer after each failure: doubling from `min` to `max`, with jitter. No clock and no
// randomness of its own.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reconciler {

class Backoff {
 public:
  // Milliseconds.
  Backoff(int64_t min, int64_t max) : min_(min), max_(max) {}

  // How long to wait after one more failure, in milliseconds: between half of the step and the
  // whole of it. `random`: any number, drawn anew for each call; so many processes that failed
  // together come back apart.
  int64_t next(uint64_t random) {
    const int64_t step = std::clamp(min_ << std::min(failures_, 30), min_, max_);
    ++failures_;
    const int64_t half = step / 2;
    return half + static_cast<int64_t>(random % static_cast<uint64_t>(step - half + 1));
  }

  void reset() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  int64_t min_;
  int64_t max_;
  int failures_ = 0;
};

}  // namespace reconciler
