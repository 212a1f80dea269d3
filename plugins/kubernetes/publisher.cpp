#include "plugins/kubernetes/publisher.h"

#include "plugins/address.h"

namespace reconciler {

Wanted wanted_from(const vr_topology& topology) {
  Wanted wanted;
  wanted.group = topology.group;
  wanted.host = canonical_host(topology.primary->host);
  wanted.port = topology.primary->port;
  wanted.claim.decision = {topology.era, topology.epoch, topology.step};
  wanted.claim.address = host_and_port(wanted.host, wanted.port);
  wanted.withdrawn = topology.state == VR_PRIMARY_SUSPECTED;
  for (size_t i = 0; i < topology.replica_count; ++i) {
    const vr_instance& replica = *topology.replicas[i];
    if (replica.healthy == 1) {
      wanted.replicas.push_back({canonical_host(replica.host), replica.port});
    }
  }
  return wanted;
}

}  // namespace reconciler
