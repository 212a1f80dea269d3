// A group is paused by an annotation that every instance reads: on its pods for `publish = "label"`, on its Service
// otherwise. Pure.
#pragma once

#include <string_view>

#include "plugins/kubernetes/json.h"

namespace reconciler {

inline constexpr char pause_annotation[] = "valkey-reconciler.io/paused";

// Any value pauses but `false` and the empty one; `annotations` may be null.
inline bool asks_for_pause(const cJSON* annotations) {
  const std::string_view value = text_member(annotations, pause_annotation);
  return !value.empty() && value != "false";
}

}  // namespace reconciler
