#include "supervisor/command_line/operate.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>

#include "common/json.h"
#include "common/result.h"
#include "common/text.h"
#include "supervisor/command_line/asking.h"
#include "supervisor/command_line/document.h"
#include "supervisor/command_line/explain_view.h"

namespace reconciler::command_line {

namespace {

constexpr int refused = 1;

// In a container the user has no name.
std::string user() {
  if (const char* name = std::getenv("SUDO_USER"); name != nullptr && *name != '\0') return name;
  if (const passwd* entry = ::getpwuid(::geteuid()); entry != nullptr) return entry->pw_name;
  return fmt::format("user {}", ::geteuid());
}

std::string line_of(std::string_view target, std::string_view outcome, std::string_view reason) {
  return printable(reason.empty() ? fmt::format("{}: {}", target, outcome)
                                  : fmt::format("{}: {}: {}", target, outcome, reason));
}

}  // namespace

int order(const std::string& socket, const OrderWish& wish) {
  const auto known = ask_status(socket);
  if (!known) return unavailable(known.error());
  const cJSON* document = known->document.get();
  if (find_group(document, wish.group) == nullptr) return no_such_group(document, wish.group);
  const auto answer = ask(
      socket, fmt::format(R"({{"do":{},"group":{},"by":{},"reason":{}}})", json_string(wish.verb),
                          json_string(wish.group), json_string(user()), json_string(wish.reason)));
  if (!answer) return unavailable(answer.error());
  if (const auto error = json::text(answer->document.get(), "error"); !error.empty()) {
    fmt::print(stderr, "{}\n", printable(error));
    return refused;
  }
  int status = EX_OK;
  each(json::member(answer->document.get(), "targets"), [&](const cJSON* target) {
    const std::string_view outcome = json::text(target, "outcome");
    fmt::print("{}\n",
               line_of(json::text(target, "target"), outcome, json::text(target, "reason")));
    if (outcome == "refused") status = refused;
    if (outcome == "not done" && status == EX_OK) status = EX_TEMPFAIL;
  });
  return status;
}

}  // namespace reconciler::command_line
