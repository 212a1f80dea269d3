// One instance that is asked for its ROLE, again and again, over a connection that is kept warm.
#pragma once

#include <uv.h>

#include <functional>
#include <optional>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/access.h"
#include "supervisor/sentinel_watcher/host_lookup.h"
#include "supervisor/sentinel_watcher/sentinel_link.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

// Driven by the loop, owned by InstanceRoles. A replica that is promoted cuts its connections: the end of a warm one is the
// signal to ask again at once, on a new one (src/sentinel.c, sentinelSendSlaveOf: CLIENT KILL in the same transaction).
// The slow repetition is the belt.
class InstanceWatch {
 public:
  // `heard` is told of each answer, and of each failure. `settings` and `access` outlive it.
  InstanceWatch(uv_loop_t* loop, const SentinelSettings& settings, Access& access,
                Endpoint instance, std::function<void()> heard);

  // Nothing is told from within.
  void start() {
    again_.start(0, [this] { look_up(); });
  }

  const InstanceRole& role() const { return role_; }

 private:
  void look_up();
  void connect(const SocketAddress& address);
  void ask();
  void answered(const Reply& reply);
  void went_down(const ConnectionFailure& failure);
  void note(InstanceRole::Role role, std::string cause = {});

  uv_loop_t* loop_;
  const SentinelSettings& settings_;
  Access& access_;
  std::function<void()> heard_;
  InstanceRole role_;
  HostLookup lookup_;
  uv::Timer again_;  // for the next question, or the next lookup
  bool was_up_ = false;
  std::size_t lookups_ = 0;  // in vain: each leads to the name's next address
  bool asking_ = false;
  std::optional<SentinelLink> link_;
};

}  // namespace reconciler
