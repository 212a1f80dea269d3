#include "plugins/kubernetes/api_error.h"

#include <fmt/format.h>

#include "plugins/kubernetes/json.h"

namespace reconciler {

namespace {

// An answer may repeat the whole object, twice: 15 kB.
constexpr size_t longest_message = 300;

// The `message` of a Status object, else the begin of whatever came.
std::string server_message(const std::string& body) {
  const Json json = parse_json(body);
  std::string message(text_member(json.get(), "message"));
  if (message.empty() && !json) message = body;
  if (message.size() > longest_message) {
    message.resize(longest_message);
    while (!message.empty() && (message.back() & 0x80) != 0) message.pop_back();  // whole UTF-8
    message += "...";
  }
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return message;
}

ApiError::Kind kind_of(int status) {
  switch (status) {
    case 401:
      return ApiError::Kind::unauthorized;
    case 403:
      return ApiError::Kind::forbidden;
    case 404:
    case 409:
    case 422:
      return ApiError::Kind::moved_on;
    case 410:
      return ApiError::Kind::gone;
    case 429:
      return ApiError::Kind::busy;
    default:
      return status >= 500 ? ApiError::Kind::busy : ApiError::Kind::unexpected;
  }
}

}  // namespace

std::string ApiError::label() const {
  if (kind == Kind::timeout) return "timeout";
  if (code == 0) return "unreachable";
  return std::to_string(code);
}

ApiError api_error(const ApiAction& action, const HttpResponse& response) {
  const std::string doing =
      action.pod.empty()
          ? fmt::format("{} {} in namespace {}", action.verb, action.resource, action.where)
          : fmt::format("{} pod {}/{}", action.verb, action.where, action.pod);
  ApiError error;
  error.code = response.status;
  if (response.status == 0) {
    error.kind = response.timed_out ? ApiError::Kind::timeout : ApiError::Kind::unreachable;
    error.message = doing + ": " + response.error;
    return error;
  }
  error.kind = kind_of(response.status);
  const std::string said = server_message(response.body);
  if (error.kind == ApiError::Kind::forbidden) {
    error.message = fmt::format("forbidden: cannot {} {} in namespace {}", action.verb,
                                action.resource, action.where);
  } else if (error.kind == ApiError::Kind::unauthorized) {
    error.message =
        doing + ": unauthorized: the API server does not accept the token or certificate";
  } else {
    error.message = fmt::format("{}: HTTP {}", doing, response.status);
  }
  if (!said.empty()) error.message += fmt::format(" ({})", said);
  return error;
}

}  // namespace reconciler
