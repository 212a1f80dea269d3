#include "plugins/kubernetes/slice_content.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace reconciler {

namespace {

// What a Service's port is on the pods; 0: not known.
uint16_t target_of(const ServicePort& port, const Pod* pod) {
  if (port.target != 0) return port.target;
  if (pod == nullptr) return 0;
  for (const NamedPort& named : pod->named_ports) {
    if (named.name == port.target_name) return named.number;
  }
  return 0;
}

const ServicePort* only_one(const Service& service,
                            const std::function<bool(const ServicePort&)>& fits) {
  const ServicePort* found = nullptr;
  for (const ServicePort& port : service.ports) {
    if (!fits(port)) continue;
    if (found != nullptr) return nullptr;
    found = &port;
  }
  return found;
}

template <typename Item>
bool same_in_any_order(const std::vector<Item>& a, const std::vector<Item>& b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin());
}

}  // namespace

std::string family_of(const std::string& ip) {
  return ip.find(':') == std::string::npos ? "IPv4" : "IPv6";
}

AddressFamilies::AddressFamilies(const Service& service, const Slice* slice) {
  if (slice != nullptr) {
    fixed_by_ = fmt::format(
        "its EndpointSlice {} is one for {} and can't become another: delete "
        "it to have it made anew",
        slice->name, slice->content.address_type);
    allowed_ = {slice->content.address_type};
  } else if (!service.families.empty()) {
    fixed_by_ = fmt::format("Service {} serves {} alone", service.name,
                            fmt::join(service.families, " and "));
    allowed_ = service.families;
  }
}

Result<std::string> AddressFamilies::address_of(const std::string& host, const Pod* pod) const {
  std::vector<std::string> candidates;
  if (canonical_ip(host)) candidates.push_back(host);
  if (pod != nullptr) {
    candidates.insert(candidates.end(), pod->addresses.begin(), pod->addresses.end());
  }
  for (const std::string& candidate : candidates) {
    const bool allowed = allowed_.empty() || std::find(allowed_.begin(), allowed_.end(),
                                                       family_of(candidate)) != allowed_.end();
    if (allowed) return candidate;
  }
  if (candidates.empty()) {
    return Error(pod == nullptr ? "no pod of the group is " + host
                                : "pod " + pod->name + " has no address yet");
  }
  return Error(fmt::format("{} is no address to publish: {}", candidates.front(), fixed_by_));
}

SliceEndpoint endpoint_of(const std::string& address, const Pod* pod, const Slice* slice) {
  SliceEndpoint endpoint;
  endpoint.address = address;
  if (pod != nullptr) {
    endpoint.pod = pod->name;
    endpoint.pod_uid = pod->uid;
    endpoint.node = pod->node;
    endpoint.zone = label_of(*pod, zone_label).value_or("");
    return endpoint;
  }
  if (slice == nullptr) return endpoint;
  for (const SliceEndpoint& known : slice->content.endpoints) {
    if (known.address != address) continue;
    endpoint = known;
    endpoint.ready = true;
  }
  return endpoint;
}

Result<const ServicePort*> valkey_port(const Service& service, const std::string& configured,
                                       uint16_t instance_port, const Pod* pod) {
  if (!configured.empty()) {
    const ServicePort* port = only_one(service, [&](const ServicePort& candidate) {
      return candidate.name == configured || std::to_string(candidate.port) == configured;
    });
    if (port == nullptr) return Error("has no port " + configured + " (service_port)");
    return port;
  }
  // Without ports a headless Service is a name for addresses.
  if (service.ports.empty()) return static_cast<const ServicePort*>(nullptr);
  if (service.ports.size() == 1) return &service.ports.front();
  const ServicePort* port = only_one(service, [&](const ServicePort& candidate) {
    return target_of(candidate, pod) == instance_port;
  });
  if (port == nullptr) {
    port = only_one(service,
                    [&](const ServicePort& candidate) { return candidate.port == instance_port; });
  }
  if (port == nullptr) {
    return Error(
        fmt::format("has {} ports, and none can be told to be Valkey's, which is {}: set "
                    "service_port to the name of one",
                    service.ports.size(), instance_port));
  }
  return port;
}

std::vector<SlicePort> slice_ports(const Service& service, const ServicePort* valkey,
                                   uint16_t instance_port, const Pod* pod, const Slice* slice) {
  std::vector<SlicePort> ports;
  for (const ServicePort& port : service.ports) {
    SlicePort entry{port.name, port.protocol, target_of(port, pod), port.app_protocol};
    if (&port == valkey) entry.number = instance_port;
    if (entry.number == 0 && slice != nullptr) {
      for (const SlicePort& known : slice->content.ports) {
        if (known.name == port.name) entry.number = known.number;
      }
    }
    if (entry.number != 0) ports.push_back(std::move(entry));
  }
  return ports;
}

bool says_the_same(const SliceContent& a, const SliceContent& b) {
  return a.address_type == b.address_type && same_in_any_order(a.endpoints, b.endpoints) &&
         same_in_any_order(a.ports, b.ports);
}

}  // namespace reconciler
