// The annotation by which an operator has a group left alone, read by every instance: on any pod of the group for
// `publish = "label"`, on its Service otherwise. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/json.h"

namespace reconciler {

inline constexpr char pause_annotation[] = "valkey-reconciler.io/paused";

// What stands there, for people: `true`, `since 10:00, by jane`. Empty: not paused, which `false` says, too. `annotations`
// may be null.
inline std::string pause_reason(const cJSON* annotations) {
  const std::string_view value = json::text(annotations, pause_annotation);
  return value == "false" ? std::string() : std::string(value);
}

}  // namespace reconciler
