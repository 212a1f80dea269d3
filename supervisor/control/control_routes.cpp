#include "supervisor/control/control_routes.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "common/text.h"
#include "supervisor/status/status_document.h"

namespace reconciler {

namespace {

using Request = ControlServer::Request;
using Answer = ControlServer::Answer;

// It goes into logs and into annotations, which others read.
constexpr std::size_t longest_words = 500;

auto order_route(Supervisor& supervisor, ipc::OrderKind kind) {
  return [&supervisor, kind](const Request& request, const Answer& answer) {
    for (const auto& [member, words] :
         {std::pair("by", request.by), std::pair("reason", request.reason)}) {
      if (const std::string why = refusal_of_words(words); !why.empty())
        return answer(control_error(fmt::format("{}: {}", member, why)));
    }
    const std::string by = request.by.empty() ? "somebody" : request.by;
    supervisor.order(request.group, {0, kind, by, request.reason},
                     [answer](const Result<std::string>& document) {
                       answer(document ? *document : control_error(document.error().message()));
                     });
  };
}

}  // namespace

std::string refusal_of_words(const std::string& words) {
  if (words.size() > longest_words)
    return fmt::format("{} bytes, where {} are allowed", words.size(), longest_words);
  return printable(words) == words ? "" : "expected printable UTF-8 on one line";
}

ControlServer::Routes control_routes(Supervisor& supervisor) {
  ControlServer::Routes routes;
  routes["status"] = [&supervisor](const Request&, const Answer& answer) {
    answer(status_document(supervisor.state()));
  };
  routes["explain"] = [&supervisor](const Request& request, const Answer& answer) {
    supervisor.explain(request.group, [answer](const Result<std::string>& known) {
      answer(known ? *known : control_error(known.error().message()));
    });
  };
  routes["pause"] = order_route(supervisor, ipc::OrderKind::pause);
  routes["resume"] = order_route(supervisor, ipc::OrderKind::resume);
  routes["release"] = order_route(supervisor, ipc::OrderKind::release);
  return routes;
}

}  // namespace reconciler
