// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/http/http_client.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::webhook {

struct Settings {
  std::string target;
  std::vector<std::string> groups;
  std::string url;
  std::string secret;  // empty: nothing is signed
  std::vector<std::string> headers;
  bool replicas = false;
  HttpTls tls;
  uint64_t timeout_ms = 5000;
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking the receiver. Reads the secret's file.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::webhook
