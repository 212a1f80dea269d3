// What an EndpointSlice of ours says: which address, which ports. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugins/address.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/service.h"

namespace reconciler {

std::string family_of(const std::string& ip);  // `IPv4` or `IPv6`

// Which families an address may be of: a slice has one for ever, a Service those that it serves.
class AddressFamilies {
 public:
  // `slice` null: it is to be made.
  AddressFamilies(const Service& service, const Slice* slice);

  // Of an instance: what Sentinel calls it, or what its pod has. `pod` may be null.
  Result<std::string> address_of(const std::string& host, const Pod* pod) const;

  // For a slice without any address.
  std::string preferred() const { return allowed_.empty() ? "IPv4" : allowed_.front(); }

 private:
  std::string fixed_by_;              // for people; empty: by nothing
  std::vector<std::string> allowed_;  // empty: any
};

// Ready at once: Sentinel's word stands above a probe's. Where the pod is not known, what the slice says of it stays.
SliceEndpoint endpoint_of(const std::string& address, const Pod* pod, const Slice* slice);

// Which of the Service's ports is Valkey's; null: it has none, and needs none. `pod` may be null.
Result<const ServicePort*> valkey_port(const Service& service, const std::string& configured,
                                       uint16_t instance_port, const Pod* pod);

// All of the Service's ports, by their names there. One that can't be told, since it is named by a pod that is not known,
// stays as the slice has it.
std::vector<SlicePort> slice_ports(const Service& service, const ServicePort* valkey,
                                   uint16_t instance_port, const Pod* pod, const Slice* slice);

// In whichever order.
bool says_the_same(const SliceContent& a, const SliceContent& b);

}  // namespace reconciler
