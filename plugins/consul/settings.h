// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/consul/messages.h"
#include "plugins/http/http_client.h"
#include "plugins/http/secret.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::consul {

struct Settings {
  struct Group {
    std::string name;
    std::string key;
    std::optional<Registration> registration;  // nothing: the key alone is published
  };

  std::vector<std::string> urls;
  std::vector<Group> groups;
  std::string datacenter;
  Secret token;  // empty: the agent's own
  HttpTls tls;
  uint64_t timeout_ms = 2000;
  uint64_t poll_ms = 10000;
  bool dry_run = false;  // nothing is to be changed
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking Consul. Reads the token's file.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::consul
