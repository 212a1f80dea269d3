// What Sentinel publishes, from messages of a subscribed connection to plain structs. Source: src/sentinel.c of Redis 6.2 to
// Valkey 9.1 (sentinelEvent); the wire says master and slave in all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/resp.h"

namespace reconciler {

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
  enum class About : uint8_t { all, primary, replica, sentinel };

  std::string channel;
  std::string group;  // empty with +tilt and -tilt, which concern all groups
  Endpoint
      subject;  // +switch-master: the new primary; else the instance that it is about; not with +tilt, -tilt
  About about =
      About::all;  // +tilt and -tilt: all; +switch-master: primary; else the type that it names

  // From here on the Sentinel that said so answers `subject` as the primary.
  bool announces_primary() const;
  // A replica or a Sentinel came, went or is ready: what it says of the primary is what it said before.
  bool leaves_primary() const;
};
Result<SentinelEvent> parse_event(std::string_view channel, std::string_view payload);

}  // namespace reconciler
