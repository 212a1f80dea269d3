#include "common/topology.h"

namespace reconciler {

std::string to_string(const Endpoint& endpoint) {
  const bool bare_ipv6 = endpoint.host.find(':') != std::string::npos;
  const std::string host = bare_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  return host + ":" + std::to_string(endpoint.port);
}

bool Topology::leads_as(const Topology& other) const {
  return primary == other.primary && state == other.state;
}

}  // namespace reconciler
