// Why the API server did not do what it was asked, in the user's words. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/http/http_client.h"

namespace reconciler {

// A kind of object, as Kubernetes' rights name it.
struct ResourceName {
  const char* plural;
  const char* singular;
  const char* group;  // of the API; empty: the core group
};
inline constexpr ResourceName pods_name{"pods", "pod", ""};
inline constexpr ResourceName services_name{"services", "service", ""};
inline constexpr ResourceName events_name{"events", "event", ""};
inline constexpr ResourceName slices_name{"endpointslices", "endpointslice", "discovery.k8s.io"};

// What was asked: `patch` `pods` in namespace `shop`.
struct ApiAction {
  const char* verb;
  std::string where;   // the namespace
  std::string object;  // one object, or empty
  ResourceName resource = pods_name;
};

struct ApiError {
  enum class Kind : uint8_t {
    unreachable,   // no answer at all; whether it was done is not known
    timeout,       // no answer in time; the same
    reset,         // the connection broke before the answer; the same
    unauthorized,  // 401: the token or certificate isn't accepted
    forbidden,     // 403: a right is missing
    moved_on,      // 404, 409, 422: the object is not what it was taken for
    gone,          // 410: the version to go on from is too old
    busy,          // 429, 5xx
    malformed,     // an answer that is not what was asked for
    too_large,     // an answer that was not read to its end
    unexpected     // anything else
  };

  Kind kind = Kind::unexpected;
  int code = 0;  // the HTTP status, 0 where there was none
  std::string message;
  uint64_t retry_after_ms = 0;  // the server asks to wait so long, bounded; 0: it doesn't

  bool without_answer() const {
    return kind == Kind::unreachable || kind == Kind::timeout || kind == Kind::reset;
  }
  // For a reason that trying again does not mend: that is done slowly, then.
  bool refused() const {
    return kind == Kind::forbidden || kind == Kind::unexpected || code == 422;
  }
  // Whether it was done is seen by a list, after which is decided again.
  bool mended_by_list() const {
    return kind == Kind::moved_on || kind == Kind::malformed || kind == Kind::too_large;
  }
  // For counters: `403`, `timeout`, `unreachable`.
  std::string label() const;
};

ApiError api_error(const ApiAction& action, const HttpResponse& response);

// A 2xx whose body is not what was asked for: `why`.
ApiError malformed_answer(const ApiAction& action, const std::string& why);

}  // namespace reconciler
