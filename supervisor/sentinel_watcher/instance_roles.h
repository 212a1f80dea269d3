// The instances of one group that are asked for their ROLE at the moment: few, and only while something is unsure.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/instance_watch.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

// Driven and owned by a GroupWatch.
class InstanceRoles {
 public:
  // `heard` is told of each answer, with the instance. `settings` and `access` outlive it.
  InstanceRoles(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                std::function<void(const InstanceRole&)> heard);

  // These are asked from now on, until they are not among the wanted any more.
  void want(const std::vector<Endpoint>& instances);

  // What they said.
  std::vector<InstanceRole> roles() const;

 private:
  struct Asked {
    std::unique_ptr<InstanceWatch> watch;
    std::optional<uint64_t> unwanted_since;
  };

  void sweep();

  uv_loop_t* loop_;
  const SentinelSettings& settings_;
  Access& access_;
  std::function<void(const InstanceRole&)> heard_;
  std::vector<Asked> asked_;
  uv::Timer sweep_;
};

}  // namespace reconciler
