// Where a plugin's server listens: a Unix socket, or an IP address and a port. Pure: a name would have to be looked up,
// which blocks or comes late.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace reconciler {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;  // as it is shown to people

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// `/run/haproxy/admin.sock`.
Result<SocketAddress> unix_address(std::string_view path);

// `10.0.0.7:9999`, `[fd00::7]:9999`; without the port (and then without the brackets, too) where there is a default.
Result<SocketAddress> ip_address(std::string_view text, std::optional<uint16_t> default_port);

}  // namespace reconciler
