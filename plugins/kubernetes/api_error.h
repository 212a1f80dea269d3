// Why the API server did not do what it was asked, in the user's words. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/http/http_client.h"

namespace reconciler {

// What was asked, as Kubernetes' rights name it: `patch` `pods` in namespace `shop`.
struct ApiAction {
  const char* verb;
  std::string where;  // the namespace
  std::string pod;    // one pod, or empty
  const char* resource = "pods";
};

struct ApiError {
  enum class Kind : uint8_t {
    unreachable,   // no answer at all; whether it was done is not known
    timeout,       // no answer in time; the same
    unauthorized,  // 401: the token or certificate isn't accepted
    forbidden,     // 403: a right is missing
    moved_on,      // 404, 409, 422: the pod is not what it was taken for
    gone,          // 410: the version to go on from is too old
    busy,          // 429, 5xx
    unexpected     // anything else
  };

  Kind kind = Kind::unexpected;
  int code = 0;  // the HTTP status, 0 where there was none
  std::string message;

  bool without_answer() const { return kind == Kind::unreachable || kind == Kind::timeout; }
  // For counters: `403`, `timeout`, `unreachable`.
  std::string label() const;
};

ApiError api_error(const ApiAction& action, const HttpResponse& response);

}  // namespace reconciler
