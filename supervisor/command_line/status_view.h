// The status document as a page of text: what is in the way on top, then groups, targets, failovers and processes. Pure.
#pragma once

#include <cjson/cJSON.h>

#include <string>

namespace reconciler::command_line {

std::string status_view(const cJSON* document, bool color);

// Lines of what keeps a group from being right, and of what is not as it should be; empty name: of everything.
std::string trouble_view(const cJSON* document, bool color, const std::string& group = {});

}  // namespace reconciler::command_line
