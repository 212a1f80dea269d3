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
#include "plugins/webhook/headers.h"

namespace reconciler::webhook {

struct Settings {
  std::string target;
  std::vector<std::string> groups;
  std::string url;
  Secret secret;  // not given: nothing is signed
  Headers headers;
  bool replicas = false;
  HttpTls tls;
  uint64_t timeout_ms = 5000;
  bool dry_run = false;  // nobody is to be told
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking the receiver. Reads the files of secret and headers.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::webhook
