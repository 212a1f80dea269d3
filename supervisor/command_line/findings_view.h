// What `check --live` found, as lines of text or as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "supervisor/live_check/finding.h"

namespace reconciler::command_line {

std::string findings_view(const std::vector<Finding>& findings, bool color);

// `[{"state": "ok", "about": "...", "what": "...", "mend": ""}]`; the words of `state` are those of the text.
std::string findings_json(const std::vector<Finding>& findings);

}  // namespace reconciler::command_line
