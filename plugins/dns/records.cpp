#include "plugins/dns/records.h"

#include <fmt/format.h>

#include "plugins/address.h"

namespace reconciler::dns {

std::vector<Type> types_of(Publish publish) {
  if (publish == Publish::srv) return {Type::srv};
  return {Type::a, Type::aaaa, Type::cname};
}

Result<std::vector<Record>> records_for(Publish publish, const std::string& host, uint16_t port,
                                        uint32_t ttl) {
  const bool is_address = canonical_ip(host).has_value();
  if (publish == Publish::address) {
    if (!is_address) {
      return Error(
          fmt::format("the primary is announced as {}, and an address record wants an IP "
                      "address (or set record = \"cname\")",
                      host));
    }
    const Type type = host.find(':') == std::string::npos ? Type::a : Type::aaaa;
    return std::vector<Record>{{type, ttl, host}};
  }
  const std::string name = host + ".";
  if (is_address || host.find('.') == std::string::npos || !is_name(name)) {
    return Error(
        fmt::format("the primary is announced as {}, and a {} record wants a full host name", host,
                    publish == Publish::cname ? "CNAME" : "SRV"));
  }
  if (publish == Publish::cname) return std::vector<Record>{{Type::cname, ttl, name}};
  return std::vector<Record>{{Type::srv, ttl, fmt::format("0 0 {} {}", port, name)}};
}

std::string holder_of(const std::string& name) { return "_valkey-reconciler." + name; }

}  // namespace reconciler::dns
