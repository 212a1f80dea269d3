// What is said of one group at this moment: by one Sentinel, by one instance, by all of them. No decision is made here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/config/configuration.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"

namespace reconciler {

struct SentinelView {
  enum class Standing : uint8_t {
    out_of_reach,   // no connection: whatever it said before doesn't count
    unheard,        // connected, and not answered yet
    unknown_group,  // it knows no such group
    refused,        // its answer can't be used: `refusal`
    answered,
  };

  std::string_view sentinel;  // its address, for people
  Standing standing = Standing::out_of_reach;
  bool down = false;              // it calls `primary` down
  bool objectively_down = false;  // and so does a quorum of Sentinels
  bool reported_replica = false;  // `primary` says of itself that it is a replica
  FailoverState failover = FailoverState::none;
  bool tilt = false;      // it distrusts its own clock, and what it knows may be old
  Endpoint primary = {};  // by GET-MASTER-ADDR-BY-NAME
  uint64_t epoch = 0;
  uint16_t other_sentinels = 0;  // of the group, that it knows of
  Milliseconds heard = 0;        // when it last answered
  std::string refusal = {};
};

// What an instance says of itself, where instances may be asked.
struct InstanceRole {
  enum class Role : uint8_t { unknown, primary, replica, out_of_reach };

  Endpoint instance;
  Role role = Role::unknown;
  Milliseconds heard = 0;  // when that was found
  std::string cause = {};  // of `out_of_reach`: why
};

// All that one decision looks at. `known`: how many Sentinels there are, heard or not. `now`: milliseconds of a clock that
// only grows.
struct Picture {
  std::span<const SentinelView> views;
  std::size_t known = 0;
  std::span<const InstanceRole> roles = {};
  Milliseconds now = 0;
};

// Puts the two answers of one question into a view. False, and nothing changed, where Sentinel's state changed between
// the two, so that they don't belong together: then ask again.
bool take_answer(SentinelView& view, const std::optional<Endpoint>& address,
                 const std::optional<PrimaryReply>& primary, Milliseconds now);

}  // namespace reconciler
