// The consul target's entry.
#include <memory>
#include <string>

#include "plugins/consul/consul_target.h"
#include "plugins/consul/settings.h"
#include "plugins/settings.h"

namespace reconciler::consul {

namespace {

std::unique_ptr<ConsulTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, ConsulTarget::create(Host(host), target));
}

}  // namespace

}  // namespace reconciler::consul

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::consul::create>("consul", RECONCILER_VERSION,
                                                 reconciler::consul::setting_keys());
}
