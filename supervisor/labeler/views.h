// The C side of what a plugin is shown: structs of the plugin interface that point into values of
// ours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::labeler {

// Owns the topology that it shows. It shows another one only when no request is open, and in the memory that it has: of
// hundreds of groups that come at once each would keep a page amid the requests of the others.
class TopologyView {
 public:
  TopologyView();
  TopologyView(const TopologyView&) = delete;
  TopologyView& operator=(const TopologyView&) = delete;

  void show(const Topology& topology, uint64_t generation, uint64_t revision);

  const vr_topology* get() const { return &view_; }
  const Topology& topology() const { return topology_; }

 private:
  Topology topology_;
  vr_instance primary_{};
  std::vector<vr_instance> replicas_;
  std::vector<const vr_instance*> replica_pointers_;
  vr_topology view_{};
};

// Shows settings that outlive it.
class TargetView {
 public:
  TargetView(const TargetSettings& target, bool dry_run);
  TargetView(const TargetView&) = delete;
  TargetView& operator=(const TargetView&) = delete;

  const vr_target* get() const { return &view_; }

 private:
  std::vector<const char*> groups_;
  std::vector<std::vector<const char*>> lists_;
  std::vector<vr_setting> settings_;
  std::vector<const vr_setting*> setting_pointers_;
  vr_target view_{};
};

}  // namespace reconciler::labeler
