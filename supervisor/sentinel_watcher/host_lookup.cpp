#include "supervisor/sentinel_watcher/host_lookup.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace reconciler {

namespace {

// A headless Service has some; one with thousands is no set of Sentinels.
constexpr std::size_t max_addresses = 64;

SocketAddress from_sockaddr(const sockaddr* address, std::size_t size, uint16_t port) {
  SocketAddress result;
  std::memcpy(&result.socket, address, std::min(size, sizeof result.socket));
  std::array<char, NI_MAXHOST> text{};
  ::getnameinfo(address, static_cast<socklen_t>(size), text.data(), text.size(), nullptr, 0,
                NI_NUMERICHOST);
  result.endpoint = {text.data(), port};
  return result;
}

// `name`: empty where the IP address itself is the name.
std::vector<SocketAddress> to_addresses(const addrinfo* list, const std::string& name,
                                        uint16_t port) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr && addresses.size() < max_addresses;
       entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress address = from_sockaddr(entry->ai_addr, entry->ai_addrlen, port);
    address.name = name.empty() ? address.endpoint.host : name;
    const bool known =
        std::any_of(addresses.begin(), addresses.end(),
                    [&](const SocketAddress& other) { return other.endpoint == address.endpoint; });
    if (!known) addresses.push_back(std::move(address));
  }
  return addresses;
}

addrinfo hints(int flags) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  return wanted;
}

}  // namespace

std::optional<SocketAddress> literal_address(const Endpoint& endpoint) {
  const addrinfo wanted = hints(AI_NUMERICHOST);
  addrinfo* list = nullptr;
  if (::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &wanted, &list) !=
      0)
    return {};
  auto addresses = to_addresses(list, "", endpoint.port);
  ::freeaddrinfo(list);
  if (addresses.empty()) return {};
  return std::move(addresses.front());
}

struct HostLookup::Request {
  uv_getaddrinfo_t request{};
  HostLookup* owner = nullptr;
  Found found;
};

HostLookup::HostLookup(uv_loop_t* loop, Endpoint name) : loop_(loop), name_(std::move(name)) {}

HostLookup::~HostLookup() {
  if (running_ == nullptr) return;
  running_->owner = nullptr;
  // One that is under way on its thread goes on there, and is ignored.
  uv_cancel(reinterpret_cast<uv_req_t*>(&running_->request));
}

void HostLookup::start(Found found) {
  if (running_ != nullptr) return;
  auto request = std::make_unique<Request>();
  request->request.data = request.get();
  request->owner = this;
  request->found = std::move(found);
  const addrinfo wanted = hints(0);
  const auto done = [](uv_getaddrinfo_t* ended, int status, addrinfo* list) {
    const std::unique_ptr<Request> whole(static_cast<Request*>(ended->data));
    std::vector<SocketAddress> addresses;
    if (whole->owner != nullptr) {
      const Endpoint& name = whole->owner->name_;
      addresses = to_addresses(list, name.host, name.port);
    }
    uv_freeaddrinfo(list);
    if (whole->owner == nullptr) return;
    whole->owner->running_ = nullptr;
    if (status != 0) return whole->found(Error(uv_strerror(status)));
    if (addresses.empty()) return whole->found(Error("no address"));
    whole->found(std::move(addresses));
  };
  const int code = uv_getaddrinfo(loop_, &request->request, done, name_.host.c_str(),
                                  std::to_string(name_.port).c_str(), &wanted);
  if (code != 0) return request->found(Error(uv_strerror(code)));
  running_ = request.release();
}

std::vector<SocketAddress> one_family(const std::vector<SocketAddress>& found, bool ipv4_answers,
                                      bool ipv6_answers, bool tried_before) {
  const auto of = [&](int family) {
    std::vector<SocketAddress> addresses;
    std::copy_if(found.begin(), found.end(), std::back_inserter(addresses),
                 [&](const SocketAddress& address) { return address.socket.ss_family == family; });
    return addresses;
  };
  const auto ipv4 = of(AF_INET);
  const auto ipv6 = of(AF_INET6);
  if (ipv4.empty() || ipv6.empty() || (tried_before && !ipv4_answers && !ipv6_answers))
    return found;
  return ipv6_answers && !ipv4_answers ? ipv6 : ipv4;
}

std::string name_leading_to(const Endpoint& endpoint, const std::string& present,
                            const std::vector<SocketAddress>& addresses) {
  const std::string* other = nullptr;
  for (const SocketAddress& address : addresses) {
    if (address.endpoint != endpoint) continue;
    if (address.name == present) return present;
    if (other == nullptr) other = &address.name;
  }
  return other != nullptr ? *other : present;
}

}  // namespace reconciler
