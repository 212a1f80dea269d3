// Why a connection ended, or was never made.
#pragma once

#include <cstdint>
#include <string>

namespace reconciler {

struct ConnectionFailure {
  enum class Kind : uint8_t {
    unreachable,  // refused, reset, closed, silent
    tls,          // one side doesn't trust the other, or the files for it can't be used
    refused,      // the credentials, or a command that can't be done without
    stranger,     // what speaks there is neither a Sentinel nor an instance
  };

  Kind kind = Kind::unreachable;
  std::string cause;  // in the user's words, without the address

  friend bool operator==(const ConnectionFailure&, const ConnectionFailure&) = default;
};

}  // namespace reconciler
