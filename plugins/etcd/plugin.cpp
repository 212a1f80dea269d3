// The etcd target's entry.
#include <memory>
#include <string>

#include "plugins/etcd/etcd_target.h"
#include "plugins/etcd/settings.h"
#include "plugins/settings.h"

namespace reconciler::etcd {

namespace {

std::unique_ptr<EtcdTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, EtcdTarget::create(Host(host), target));
}

}  // namespace

}  // namespace reconciler::etcd

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::etcd::create>("etcd", RECONCILER_VERSION,
                                               reconciler::etcd::setting_keys());
}
