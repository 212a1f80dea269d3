// Reading the status document: what its parts say, in words. Pure; any shape of document is survived.
#pragma once

#include <cjson/cJSON.h>

#include <functional>
#include <string>
#include <string_view>

#include "supervisor/command_line/words.h"

namespace reconciler::command_line {

// `3 min ago`; empty where either time is not known.
std::string ago(const cJSON* document, std::string_view time);

// Its primary, or why there is none.
Words primary_of(const cJSON* group);

// `10.0.0.8:6379, 10.0.0.9:6379 (not healthy)`.
std::string replicas_of(const cJSON* group);

// `3 of 3 agree`.
Words sentinels_of(const cJSON* group);

// Whether a group is in sync at a target, and why not.
Words sync_of(const cJSON* document, const cJSON* told);

// Calls for each element of an array; none where it is no array.
void each(const cJSON* array, const std::function<void(const cJSON*)>& call);

}  // namespace reconciler::command_line
