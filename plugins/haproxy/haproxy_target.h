// The plugin's one instance: a runtime socket, and the groups whose backends are behind it.
#pragma once

#include <memory>
#include <vector>

#include "common/result.h"
#include "plugins/haproxy/group_target.h"
#include "plugins/haproxy/settings.h"
#include "plugins/host.h"

namespace reconciler::haproxy {

// Owned by the plugin's host behind the border.
class HaproxyTarget {
 public:
  static constexpr bool tells_dry_run = true;

  static Result<std::unique_ptr<HaproxyTarget>> create(Host host, const vr_target& target);

  HaproxyTarget(Host host, Settings settings);
  HaproxyTarget(const HaproxyTarget&) = delete;
  HaproxyTarget& operator=(const HaproxyTarget&) = delete;

  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);
  void check();

 private:
  const Settings settings_;
  std::vector<std::unique_ptr<GroupTarget>> groups_;
};

}  // namespace reconciler::haproxy
