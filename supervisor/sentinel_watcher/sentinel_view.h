// What one Sentinel says of one group at this moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  bool reported_replica = false;  // `primary` says of itself that it is a replica
  bool tilt = false;              // it distrusts its own clock, and what it knows may be old
  Endpoint primary = {};          // by GET-MASTER-ADDR-BY-NAME
  uint64_t epoch = 0;
  std::string refusal = {};
};

// Puts the two answers of one question into a view. False, and nothing changed, where Sentinel's state changed between
// the two, so that they don't belong together: then ask again.
bool take_answer(SentinelView& view, const std::optional<Endpoint>& address,
                 const std::optional<PrimaryReply>& primary);

}  // namespace reconciler
