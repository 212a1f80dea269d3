// A question to the running supervisor, with what every command makes of its silence.
#pragma once

#include <string>

#include "common/json.h"
#include "common/result.h"

namespace reconciler::command_line {

// Its text, and what stands in it.
struct Answer {
  std::string text;
  json::Document document;
};

Result<Answer> ask(const std::string& socket, const std::string& request);

// The status document.
Result<Answer> ask_status(const std::string& socket);

// Says on standard error that no supervisor answers, or that there is no such group: the exit status.
int unavailable(const Error& why);
int no_such_group(const cJSON* status, const std::string& group);

}  // namespace reconciler::command_line
