#include "supervisor/status/counters.h"

#include <set>
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
  std::set<Series> present;
  for (const ipc::Counter& counter : counters) {
    const Series series{counter.name, counter.label, counter.value};
    present.insert(series);
    if (known.series.size() >= most_series && !known.series.contains(series)) continue;
    Counted& counted = known.series[series];
    if (counter.count < counted.now)
      counted.before += counted.now;  // it was gone, and is there again
    counted.now = counter.count;
  }
  std::erase_if(known.series, [&](const auto& entry) {
    return entry.second.now > 0 && !present.contains(entry.first);
  });
}

void Counters::forget_if(const std::string& child,
                         const std::function<bool(const Series&)>& is_gone) {
  const auto known = children_.find(child);
  if (known == children_.end()) return;
  std::erase_if(known->second.series, [&](const auto& entry) { return is_gone(entry.first); });
}

const Counters::OfChild& Counters::of(const std::string& child) const {
  static const OfChild none;
  const auto known = children_.find(child);
  return known == children_.end() ? none : known->second.series;
}

}  // namespace reconciler
