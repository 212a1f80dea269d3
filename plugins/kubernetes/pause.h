// The annotation by which an operator has a group left alone, read by every instance: on any pod of the group for
// `publish = "label"`, on its Service otherwise. Pure.
#pragma once

#include <string_view>

namespace reconciler {

inline constexpr char pause_annotation[] = "valkey-reconciler.io/paused";

// What stands there, for people: `true`, `since 10:00, by jane`. Empty: not paused, which `false` says, too.
inline std::string_view pause_reason(std::string_view annotation) {
  return annotation == "false" ? std::string_view() : annotation;
}

}  // namespace reconciler
