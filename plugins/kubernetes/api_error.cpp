#include "plugins/kubernetes/api_error.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/json.h"

namespace reconciler {

namespace {

// An answer may repeat the whole object, twice: 15 kB.
constexpr size_t longest_message = 300;
// A server (or whatever stands before it) that asks for more is asked again all the same.
constexpr int64_t longest_retry_after_s = 30;

// The `message` of a Status object, else the begin of whatever came.
std::string server_message(const std::string& body) {
  const json::Document json = json::parse(body);
  std::string message(json::text(json.get(), "message"));
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

ApiError::Kind kind_without_status(const HttpResponse& response) {
  if (response.timed_out) return ApiError::Kind::timeout;
  if (response.too_large) return ApiError::Kind::too_large;
  return response.lost ? ApiError::Kind::reset : ApiError::Kind::unreachable;
}

std::string described(const ApiAction& action) {
  const ResourceName& resource = action.resource;
  return action.object.empty()
             ? fmt::format("{} {} in namespace {}", action.verb, resource.plural, action.where)
             : fmt::format("{} {} {}/{}", action.verb, resource.singular, action.where,
                           action.object);
}

}  // namespace

std::string ApiError::label() const {
  switch (kind) {
    case Kind::timeout:
      return "timeout";
    case Kind::reset:
      return "reset";
    case Kind::malformed:
      return "malformed";
    case Kind::too_large:
      return "too-large";
    default:
      return code == 0 ? "unreachable" : std::to_string(code);
  }
}

ApiError api_error(const ApiAction& action, const HttpResponse& response) {
  const std::string doing = described(action);
  const ResourceName& resource = action.resource;
  ApiError error;
  error.code = response.status;
  if (response.status == 0) {
    error.kind = kind_without_status(response);
    error.message = doing + ": " + response.error;
    return error;
  }
  error.kind = kind_of(response.status);
  const std::string said = server_message(response.body);
  if (error.kind == ApiError::Kind::forbidden) {
    error.message =
        fmt::format("forbidden: cannot {} {}{}{} in namespace {}", action.verb, resource.plural,
                    *resource.group == '\0' ? "" : ".", resource.group, action.where);
  } else if (error.kind == ApiError::Kind::unauthorized) {
    error.message =
        doing + ": unauthorized: the API server does not accept the token or certificate";
  } else {
    error.message = fmt::format("{}: HTTP {}", doing, response.status);
  }
  if (!said.empty()) error.message += fmt::format(" ({})", said);
  if (error.kind == ApiError::Kind::busy && response.retry_after_s > 0) {
    const int64_t wait_s = std::min(response.retry_after_s, longest_retry_after_s);
    error.retry_after_ms = static_cast<uint64_t>(wait_s) * 1000;
    error.message += fmt::format("; it asks to wait {} s", response.retry_after_s);
    if (wait_s < response.retry_after_s) error.message += fmt::format(", {} are waited", wait_s);
  }
  return error;
}

ApiError malformed_answer(const ApiAction& action, const std::string& why) {
  ApiError error;
  error.kind = ApiError::Kind::malformed;
  error.message = fmt::format("{}: {}", described(action), why);
  return error;
}

}  // namespace reconciler
