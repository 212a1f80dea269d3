#include "supervisor/command_line/asking.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cstdio>
#include <utility>

#include "common/text.h"
#include "supervisor/command_line/control_client.h"
#include "supervisor/command_line/document.h"

namespace reconciler::command_line {

Result<Answer> ask(const std::string& socket, const std::string& request) {
  auto text = ask_supervisor(socket, request);
  if (!text) return text.error();
  json::Document document = json::parse(*text);
  if (!document)
    return Error(fmt::format("what answers at {} is no supervisor of this version", socket));
  return Answer{std::move(*text), std::move(document)};
}

Result<Answer> ask_status(const std::string& socket) {
  auto answer = ask(socket, R"({"do":"status"})");
  if (!answer) return answer;
  if (const auto error = json::text(answer->document.get(), "error"); !error.empty())
    return Error(fmt::format("the supervisor at {} answers: {}", socket, error));
  return answer;
}

int unavailable(const Error& why) {
  fmt::print(stderr, "{}\n", printable(why.message()));
  return EX_UNAVAILABLE;
}

int no_such_group(const cJSON* status, const std::string& group) {
  fmt::print(stderr, "no group {} is configured; there are:\n", printable(group));
  each(json::member(status, "groups"), [](const cJSON* other) {
    fmt::print(stderr, "  {}\n", printable(json::text(other, "name")));
  });
  return EX_NOINPUT;
}

}  // namespace reconciler::command_line
