// Host names of instances, looked up where two texts may name one instance.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/aliases.h"
#include "supervisor/sentinel_watcher/host_lookup.h"

namespace reconciler {

// Driven by the loop, owned by a SentinelSet.
class InstanceNames {
 public:
  // `found` is told when a lookup has ended.
  InstanceNames(uv_loop_t* loop, Milliseconds resolve_interval, std::function<void()> found);

  // The two are going to be compared, and their texts differ: looks host names up, unless that was done a moment ago.
  void compare(const Endpoint& one, const Endpoint& other);

  const Aliases& aliases() const { return aliases_; }

 private:
  struct Name {
    std::unique_ptr<HostLookup> lookup;
    uint64_t begun = 0;
  };

  void look_up(const Endpoint& endpoint);

  uv_loop_t* loop_;
  Milliseconds resolve_interval_;
  std::function<void()> found_;
  Aliases aliases_;
  std::map<std::string, Name> names_;
};

}  // namespace reconciler
