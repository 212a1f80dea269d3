// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/haproxy/plan.h"
#include "plugins/socket/socket_address.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::haproxy {

struct Settings {
  struct Group {
    std::string name;
    Rules rules;
  };

  SocketAddress socket;
  std::vector<Group> groups;
  uint64_t timeout_ms = 2000;
  uint64_t poll_ms = 1000;
  bool dry_run = false;  // nothing is to be changed
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking HAProxy.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::haproxy
