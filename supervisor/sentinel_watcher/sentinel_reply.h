// What Sentinels and instances answer, from replies to plain structs. Everything else than what Sentinel sends is an Error that tells what was
// expected. Source: src/sentinel.c of Redis 6.2 to Valkey 9.1 (sentinelCommand, addReplySentinelRedisInstance), for ROLE
// src/replication.c (roleCommand); the wire says master and slave in all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/resp.h"

namespace reconciler {

// How far a failover is at the Sentinel that was asked. From `promoted` on GET-MASTER-ADDR-BY-NAME answers the new address,
// while SENTINEL MASTER still shows the old instance.
// `other` is a state that this program doesn't know: later versions may add some.
enum class FailoverState : uint8_t { none, beginning, promoted, other };

// SENTINEL MASTER.
struct PrimaryReply {
  Endpoint
      endpoint;  // the old one while a failover is `promoted`: the address to use is that of GET-MASTER-ADDR-BY-NAME
  uint64_t config_epoch = 0;
  bool down = false;              // s_down or o_down
  bool reported_replica = false;  // its own INFO says that it is one
  FailoverState failover = FailoverState::none;
  bool objectively_down = false;  // o_down: a quorum of Sentinels calls it down
  uint16_t other_sentinels = 0;   // that it knows of; 0 where it doesn't say
};

// One of SENTINEL REPLICAS.
struct ReplicaReply {
  Endpoint endpoint;
  bool down = false;  // s_down or o_down
  // Connected to Sentinel, and its link to the primary is up. Nothing where Sentinel has not had its first INFO, as for
  // some moments after each switch.
  std::optional<bool> linked;
};

// One of SENTINEL SENTINELS: another Sentinel of the same group.
struct PeerReply {
  Endpoint endpoint;
  std::string
      id;  // 40 hexadecimal digits, as SENTINEL MYID of it says; empty where not heard of yet

  friend bool operator==(const PeerReply&, const PeerReply&) = default;
};

// All of them: nothing where Sentinel knows no such group. Lists leave out what has no address: so Sentinel keeps whose name
// it can't resolve any more (no ip), and whose place another one has taken (port 0).
Result<std::optional<Endpoint>> parse_primary_address(const Reply& reply);
Result<std::optional<PrimaryReply>> parse_primary(const Reply& reply);
Result<std::optional<std::vector<ReplicaReply>>> parse_replicas(const Reply& reply);
Result<std::optional<std::vector<PeerReply>>> parse_peers(const Reply& reply);

// SENTINEL MYID.
Result<std::string> parse_id(const Reply& reply);

// ROLE, asked of an instance: whether it is a primary.
Result<bool> parse_role(const Reply& reply);

// An address as Sentinel writes it.
Result<Endpoint> parse_endpoint(std::string_view host, std::string_view port);

}  // namespace reconciler
