#include "plugins/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace reconciler {

std::optional<std::string> canonical_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size()) return std::nullopt;
  std::memcpy(copy.data(), text.data(), text.size());

  std::array<char, INET6_ADDRSTRLEN> out{};
  in_addr v4{};
  if (inet_pton(AF_INET, copy.data(), &v4) == 1) {
    return std::string(inet_ntop(AF_INET, &v4, out.data(), out.size()));
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, copy.data(), &v6) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    std::memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
    return std::string(inet_ntop(AF_INET, &v4, out.data(), out.size()));
  }
  return std::string(inet_ntop(AF_INET6, &v6, out.data(), out.size()));
}

std::string canonical_host(std::string_view host) {
  if (std::optional<std::string> ip = canonical_ip(host)) return *ip;
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  std::string name(host);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

std::string host_and_port(std::string_view host, uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string text;
  if (v6) text += '[';
  text += host;
  if (v6) text += ']';
  text += ':';
  text += std::to_string(port);
  return text;
}

}  // namespace reconciler
