#include "supervisor/command_line/commands.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "common/json.h"
#include "common/result.h"
#include "common/text.h"
#include "supervisor/command_line/asking.h"
#include "supervisor/command_line/explain_view.h"
#include "supervisor/command_line/findings_view.h"
#include "supervisor/command_line/status_view.h"

namespace reconciler::command_line {

namespace {

// https://no-color.org: set and not empty.
bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

Result<std::string> status_page(const std::string& socket, const StatusWishes& wishes, bool color) {
  auto answer = ask_status(socket);
  if (!answer) return answer.error();
  return wishes.json ? answer->text : status_view(answer->document.get(), color);
}

int watch(const std::string& socket, const StatusWishes& wishes) {
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  while (true) {
    const auto page = status_page(socket, wishes, wants_color());
    if (terminal && !wishes.json) fmt::print("\x1b[H\x1b[2J");
    // One that is restarted meanwhile is waited for.
    fmt::print("{}{}", page ? *page : printable(page.error().message()) + "\n",
               terminal || wishes.json ? "" : "\n");
    if (std::fflush(stdout) != 0) return EX_OK;  // whoever read it is gone
    ::sleep(1);
  }
}

}  // namespace

int status(const std::string& socket, const StatusWishes& wishes) {
  const auto page = status_page(socket, wishes, wants_color());
  if (!page) return unavailable(page.error());
  if (wishes.watch) return watch(socket, wishes);
  fmt::print("{}", *page);
  return EX_OK;
}

int explain(const std::string& socket, const std::string& group, bool json) {
  const auto known = ask_status(socket);
  if (!known) return unavailable(known.error());
  const cJSON* document = known->document.get();
  if (find_group(document, group) == nullptr) return no_such_group(document, group);
  const auto answer =
      ask(socket, fmt::format(R"({{"do":"explain","group":{}}})", json_string(group)));
  if (!answer) return unavailable(answer.error());
  fmt::print("{}", json ? answer->text
                        : explain_view(group, document, answer->document.get(), wants_color()));
  const bool answered =
      cJSON_GetObjectItemCaseSensitive(answer->document.get(), "error") == nullptr;
  return answered ? EX_OK : EX_UNAVAILABLE;
}

void show(const std::vector<Finding>& findings, bool json) {
  fmt::print("{}", json ? findings_json(findings) : findings_view(findings, wants_color()));
}

}  // namespace reconciler::command_line
