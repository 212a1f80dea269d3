#include "supervisor/sentinel_watcher/aliases.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

namespace reconciler {

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  return ::inet_pton(family, host.c_str(), parsed.data()) == 1;
}

void Aliases::looking_up(const std::string& host) { names_.try_emplace(host); }

void Aliases::found(const std::string& host, std::vector<std::string> addresses) {
  Name& name = names_[host];
  name.pending = false;
  if (!addresses.empty()) name.addresses = std::move(addresses);
}

const Aliases::Name* Aliases::find(const std::string& host) const {
  const auto place = names_.find(host);
  return place == names_.end() ? nullptr : &place->second;
}

bool Aliases::same(const Endpoint& one, const Endpoint& other) const {
  if (one.port != other.port) return false;
  if (one.host == other.host) return true;
  if (names_.empty()) return false;
  const Name* first = find(one.host);
  const Name* second = find(other.host);
  const auto has = [](const Name& name, const std::string& address) {
    return std::find(name.addresses.begin(), name.addresses.end(), address) != name.addresses.end();
  };
  if (first != nullptr && second != nullptr) {
    return std::any_of(first->addresses.begin(), first->addresses.end(),
                       [&](const std::string& address) { return has(*second, address); });
  }
  if (first != nullptr) return has(*first, other.host);
  return second != nullptr && has(*second, one.host);
}

bool Aliases::unsure(const Endpoint& one, const Endpoint& other) const {
  const auto pending = [&](const Endpoint& endpoint) {
    const Name* name = find(endpoint.host);
    return name != nullptr && name->pending;
  };
  return !names_.empty() && (pending(one) || pending(other));
}

}  // namespace reconciler
