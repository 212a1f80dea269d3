// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/kubernetes/label_selector.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

enum class Publish : uint8_t { label, endpointslice, service_selector };

struct Settings {
  struct Group {
    std::string name;
    LabelSelector selector;
    std::string service;          // empty with Publish::label
    std::string replica_service;  // empty: none
  };

  std::string target;
  bool dry_run = false;  // nothing is to be written
  std::vector<Group> groups;
  std::string pod_namespace;  // empty: the service account's or the context's
  Publish publish = Publish::label;
  LabelRule rule;
  std::string service_port;
  std::string kubeconfig;
  std::string node_name;
  std::string service_account_dir;
  std::string api_host;
  int64_t api_port = 443;
  uint64_t request_timeout_ms = 5000;
  uint64_t no_match_after_ms = 5000;
  uint64_t resync_ms = 300000;
  uint64_t poll_ms = 10000;
  bool events = true;
  uint64_t review_ms = 600000;
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking anybody.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler
