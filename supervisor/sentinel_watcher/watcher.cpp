#include "supervisor/sentinel_watcher/watcher.h"

namespace reconciler {

Watcher::Watcher(uv_loop_t* loop, const WatcherSettings& settings, ipc::ChildSession& session)
    : reports_(session) {
  for (const SentinelSettings& set : settings.sentinels) {
    sets_.push_back(std::make_unique<SentinelSet>(loop, set, reports_));
  }
}

void Watcher::start() {
  for (const auto& set : sets_) set->start();
}

void Watcher::remember(const Topology& topology) {
  for (const auto& set : sets_) {
    if (GroupWatch* group = set->group(topology.group)) return group->remember(topology);
  }
}

std::vector<ipc::Gauge> Watcher::gauges() const {
  std::vector<ipc::Gauge> gauges;
  for (const auto& set : sets_) set->add_gauges(gauges);
  return gauges;
}

std::string Watcher::explain(const std::string& group) {
  if (group.empty()) {
    std::vector<SentinelState> states;
    for (const auto& set : sets_) set->add_states(states);
    return explanation(states);
  }
  for (const auto& set : sets_) {
    if (const GroupWatch* watch = set->group(group)) return watch->explain();
  }
  return R"({"error":"it is not told of such a group"})";
}

}  // namespace reconciler
