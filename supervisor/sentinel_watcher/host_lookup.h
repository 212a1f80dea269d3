// Host names to addresses, without ever blocking the loop.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/topology.h"

namespace reconciler {

struct SocketAddress {
  Endpoint endpoint;  // the same as text: an IP address and the port
  sockaddr_storage socket{};
  std::string name;  // the host name that led to it, else the IP address
};

// Where `endpoint` is an IP address already; nothing where it is a host name.
std::optional<SocketAddress> literal_address(const Endpoint& endpoint);

// Driven by the loop; one for each host name, owned by who wants to know: SentinelRoster, InstanceNames, InstanceWatch.
class HostLookup {
 public:
  // Every address, each once; at least one.
  using Found = std::function<void(Result<std::vector<SocketAddress>>)>;

  HostLookup(uv_loop_t* loop, Endpoint name);
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  const Endpoint& name() const { return name_; }

  // Does nothing while a lookup is on its way.
  void start(Found found);

 private:
  struct Request;

  uv_loop_t* loop_;
  Endpoint name_;
  Request* running_ = nullptr;  // libuv's; knows of *this until it ends
};

// Which addresses of one name are taken as Sentinels, where it has some of both families: a Sentinel that is found under
// two addresses would count as two. The family under which some answer; in doubt IPv4. Both, where that one was
// tried before and none answers.
std::vector<SocketAddress> one_family(const std::vector<SocketAddress>& found, bool ipv4_answers,
                                      bool ipv6_answers, bool tried_before);

// The name under which `endpoint` is reached: the present one as long as it leads there, else another one that does: a pod
// may have got the address that another one had.
std::string name_leading_to(const Endpoint& endpoint, const std::string& present,
                            const std::vector<SocketAddress>& addresses);

}  // namespace reconciler
