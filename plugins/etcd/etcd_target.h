// The plugin's one instance: etcd, and the groups that have a key in it.
#pragma once

#include <memory>

#include "common/result.h"
#include "plugins/etcd/client.h"
#include "plugins/etcd/settings.h"
#include "plugins/host.h"
#include "plugins/http/http_client.h"
#include "plugins/store/group_values.h"

namespace reconciler::etcd {

// Owned by the plugin's host behind the border.
class EtcdTarget {
 public:
  static constexpr bool tells_dry_run = true;

  static Result<std::unique_ptr<EtcdTarget>> create(Host host, const vr_target& target);

  EtcdTarget(Host host, Settings settings);
  EtcdTarget(const EtcdTarget&) = delete;
  EtcdTarget& operator=(const EtcdTarget&) = delete;

  void apply(const vr_topology& topology, vr_request* request) { values_.apply(topology, request); }
  void cancel(vr_request* request) { values_.cancel(request); }
  void check() { values_.look(); }

 private:
  const HttpLibrary library_;
  const Settings settings_;
  Client client_;
  GroupValues values_;
};

}  // namespace reconciler::etcd
