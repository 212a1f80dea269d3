// All sets of Sentinels of one configuration.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/sentinel_set.h"

namespace reconciler {

// Driven by the loop, owned by main.
class Watcher {
 public:
  // `session` outlives it.
  Watcher(uv_loop_t* loop, const WatcherSettings& settings, ipc::ChildSession& session);

  void start();

  // What a predecessor had published; a group that isn't configured any more is ignored.
  void remember(const Topology& topology);

  std::vector<ipc::Gauge> gauges() const;
  // What is known of a group and why, as JSON for people; without one, of the Sentinels.
  std::string explain(const std::string& group);

 private:
  Reports reports_;
  std::vector<std::unique_ptr<SentinelSet>> sets_;
};

}  // namespace reconciler
