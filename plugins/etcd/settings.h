// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/http/http_client.h"
#include "plugins/http/secret.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::etcd {

struct Settings {
  struct Group {
    std::string name;
    std::string key;
  };

  std::vector<std::string> endpoints;
  std::vector<Group> groups;
  HttpTls tls;
  std::string user;  // empty: etcd is asked without
  Secret password;
  uint64_t lease_s = 0;  // 0: none
  uint64_t timeout_ms = 1000;
  uint64_t poll_ms = 10000;
  bool dry_run = false;  // nothing is to be changed
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking etcd. Reads the password's file.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::etcd
