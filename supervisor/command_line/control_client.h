// Asks the running supervisor through its control socket.
#pragma once

#include <string>

#include "common/result.h"

namespace reconciler::command_line {

// One request, one answer; blocks for 10 s at most. An error says what was tried and what to do.
Result<std::string> ask_supervisor(const std::string& socket, const std::string& request);

}  // namespace reconciler::command_line
