#include "supervisor/status/counters.h"

#include <algorithm>
#include <utility>

namespace reconciler {

void Counters::report(const std::string& child, uint64_t generation,
                      const std::vector<ipc::Counter>& counters) {
  Child& known = children_[child];
  if (std::exchange(known.generation, generation) != generation) {
    for (auto& [series, counted] : known.series) {
      counted.before += std::exchange(counted.now, 0);
    }
  }
  for (const ipc::Counter& counter : counters) {
    const Series series{counter.name, counter.label, counter.value};
    if (known.series.size() >= most_series && !known.series.contains(series)) continue;
    Counted& counted = known.series[series];
    counted.now = std::max(counted.now, counter.count);
  }
}

const Counters::OfChild& Counters::of(const std::string& child) const {
  static const OfChild none;
  const auto known = children_.find(child);
  return known == children_.end() ? none : known->second.series;
}

}  // namespace reconciler
