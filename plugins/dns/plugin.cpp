// The dns target's entry.
#include <memory>
#include <string>

#include "plugins/dns/dns_target.h"
#include "plugins/dns/settings.h"
#include "plugins/settings.h"

namespace reconciler::dns {

namespace {

std::unique_ptr<DnsTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, DnsTarget::create(Host(host), target));
}

}  // namespace

}  // namespace reconciler::dns

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::dns::create>("dns", RECONCILER_VERSION,
                                              reconciler::dns::setting_keys());
}
