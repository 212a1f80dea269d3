// How long a target took from the news of a failover to its confirmed write, as Prometheus counts it.
#pragma once

#include <array>
#include <cstdint>

namespace reconciler {

class LatencyHistogram {
 public:
  // Upper bounds of the buckets in seconds; one more has none.
  static constexpr std::array bounds{0.005, 0.01, 0.02, 0.05, 0.1,  0.2,
                                     0.5,   1.0,  2.0,  5.0,  10.0, 30.0};

  void observe(double seconds) {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
    ++buckets_[bucket];
    sum_ += seconds;
  }

  // How many took no longer than the bound of that name; at `bounds.size()`: all.
  uint64_t count_up_to(std::size_t bound) const {
    uint64_t count = 0;
    for (std::size_t i = 0; i <= bound; ++i) count += buckets_[i];
    return count;
  }
  uint64_t count() const { return count_up_to(bounds.size()); }
  double sum_seconds() const { return sum_; }

 private:
  std::array<uint64_t, bounds.size() + 1> buckets_{};
  double sum_ = 0;
};

}  // namespace reconciler
