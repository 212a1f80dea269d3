// What Sentinel says, from replies to plain structs. Everything else than what Sentinel sends is an Error that tells what was
// expected. Source: src/sentinel.c of Redis 6.2 to Valkey 9.1 (sentinelCommand, addReplySentinelRedisInstance,
// sentinelEvent); the wire says master and slave in all of them.
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
};

// One of SENTINEL REPLICAS.
struct ReplicaReply {
  Endpoint endpoint;
  bool down = false;  // s_down or o_down
  // Connected to Sentinel, and its link to the primary is up. Nothing where Sentinel has not had its first INFO, as for
  // some moments after each switch.
  std::optional<bool> linked;
};

// All three: nothing where Sentinel knows no such group.
Result<std::optional<Endpoint>> parse_primary_address(const Reply& reply);
Result<std::optional<PrimaryReply>> parse_primary(const Reply& reply);
Result<std::optional<std::vector<ReplicaReply>>> parse_replicas(const Reply& reply);

// What came on a subscribed connection.
struct Push {
  enum class Kind : uint8_t { message, subscribed, pong };

  Kind kind = Kind::pong;
  std::string channel;
  std::string payload;
};
Result<Push> parse_push(const Reply& reply);

// An event of Sentinel, as far as it is used: which group it is about, and which instance.
struct SentinelEvent {
  std::string channel;
  std::string group;  // empty with +tilt and -tilt, which concern all groups
  Endpoint
      subject;  // +switch-master: the new primary; else the instance that it is about; not with +tilt, -tilt
  bool about_primary = false;  // of type `master`, or +switch-master

  // From here on the Sentinel that said so answers `subject` as the primary.
  bool announces_primary() const {
    return channel == "+switch-master" || channel == "+promoted-slave";
  }
};
Result<SentinelEvent> parse_event(std::string_view channel, std::string_view payload);

}  // namespace reconciler
