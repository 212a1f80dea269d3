// The haproxy target's entry.
#include <memory>
#include <string>

#include "plugins/haproxy/haproxy_target.h"
#include "plugins/haproxy/settings.h"
#include "plugins/settings.h"

namespace reconciler::haproxy {

namespace {

std::unique_ptr<HaproxyTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, HaproxyTarget::create(Host(host), target));
}

}  // namespace

}  // namespace reconciler::haproxy

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::haproxy::create>("haproxy", RECONCILER_VERSION,
                                                  reconciler::haproxy::setting_keys());
}
