// The plugin's configuration: its keys, and what they say once checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/dns/message.h"
#include "plugins/dns/records.h"
#include "plugins/socket/exchange.h"
#include "plugins/socket/socket_address.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::dns {

struct Settings {
  struct Group {
    std::string name;
    std::string record_name;
  };
  // One way to reach a server; they are tried in this order.
  struct Way {
    SocketAddress server;
    Transport transport = Transport::datagram;
  };

  std::vector<Way> ways;
  std::string zone;
  std::vector<Group> groups;
  Publish publish = Publish::address;
  uint32_t ttl_s = 5;
  Key key;
  uint64_t timeout_ms = 1000;
  uint64_t poll_ms = 10000;
  bool dry_run = false;  // nothing is to be changed
};

std::span<const vr_key> setting_keys();

// Whatever can be wrong with it without asking a server. Reads the secret's file.
Result<Settings> read_settings(const vr_target& target);

}  // namespace reconciler::dns
