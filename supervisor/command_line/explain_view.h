// `explain GROUP` as a page of text: what each Sentinel says, what was decided and why, what each target was told and
// answered, what is in the way. Pure.
#pragma once

#include <cjson/cJSON.h>

#include <string>

namespace reconciler::command_line {

// `watcher`: the sentinel-watcher's answer, or `{"error": "..."}` where it gave none. `document`: the status document.
std::string explain_view(const std::string& group, const cJSON* document, const cJSON* watcher,
                         bool color);

// The group of that name; null where the document has none.
const cJSON* find_group(const cJSON* document, const std::string& name);

}  // namespace reconciler::command_line
