#include "plugins/socket/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace reconciler {

namespace {

template <typename Address>
SocketAddress made_of(const Address& address, std::string text) {
  SocketAddress made;
  std::memcpy(&made.storage, &address, sizeof address);
  made.length = sizeof address;
  made.text = std::move(text);
  return made;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
};

std::optional<Split> split(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view after = text.substr(end + 1);
    const Split whole{text.substr(1, end - 1), std::nullopt};
    if (after.empty()) return whole;
    if (!after.starts_with(':')) return std::nullopt;
    return Split{whole.host, after.substr(1)};
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return Split{text, std::nullopt};
  }
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

Result<SocketAddress> unix_address(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path.starts_with('/')) {
    return Error(fmt::format("`{}` is no absolute path of a socket", path));
  }
  if (path.size() >= sizeof address.sun_path) {
    return Error(fmt::format("the path `{}` has more than the {} bytes that a socket's may have",
                             path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return made_of(address, std::string(path));
}

Result<SocketAddress> ip_address(std::string_view text, std::optional<uint16_t> default_port) {
  const std::optional<Split> parts = split(text);
  const std::optional<uint16_t> port = !parts        ? std::nullopt
                                       : parts->port ? port_of(*parts->port)
                                                     : default_port;
  if (!port) {
    return Error(
        fmt::format("`{}` is no IP address with a port from 1 to 65535, as in "
                    "`10.0.0.7:9999` or `[fd00::7]:9999`",
                    text));
  }
  const std::string host(parts->host);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(*port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    return made_of(v4, fmt::format("{}:{}", host, *port));
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(*port);
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    return made_of(v6, fmt::format("[{}]:{}", host, *port));
  }
  return Error(fmt::format("`{}` is no IP address (names are not looked up)", host));
}

}  // namespace reconciler
