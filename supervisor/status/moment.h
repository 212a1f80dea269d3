// One instant on the two clocks that this program needs, so that pure parts have times without a clock.
#pragma once

#include <cstdint>

namespace reconciler {

struct Moment {
  int64_t unix_us = 0;   // microseconds since 1970, UTC
  uint64_t mono_ns = 0;  // CLOCK_MONOTONIC, nanoseconds

  // The same instant as `earlier_mono_ns`, on the other clock; an instant that is yet to come is now.
  int64_t unix_us_of(uint64_t earlier_mono_ns) const {
    const uint64_t ago_ns = mono_ns > earlier_mono_ns ? mono_ns - earlier_mono_ns : 0;
    return unix_us - static_cast<int64_t>(ago_ns / 1'000);
  }
};

}  // namespace reconciler
