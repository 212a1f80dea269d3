// The plugin's one instance: the zone, and the groups that have a name in it.
#pragma once

#include <memory>
#include <vector>

#include "common/result.h"
#include "plugins/dns/group_target.h"
#include "plugins/dns/settings.h"
#include "plugins/host.h"

namespace reconciler::dns {

// Owned by the plugin's host behind the border.
class DnsTarget {
 public:
  static constexpr bool tells_dry_run = true;

  static Result<std::unique_ptr<DnsTarget>> create(Host host, const vr_target& target);

  DnsTarget(Host host, Settings settings);
  DnsTarget(const DnsTarget&) = delete;
  DnsTarget& operator=(const DnsTarget&) = delete;

  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);
  void check();

 private:
  const Settings settings_;
  std::vector<std::unique_ptr<GroupTarget>> groups_;
};

}  // namespace reconciler::dns
