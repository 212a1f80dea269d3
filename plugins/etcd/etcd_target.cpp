#include "plugins/etcd/etcd_target.h"

#include <utility>

#include "plugins/etcd/etcd_store.h"

namespace reconciler::etcd {

Result<std::unique_ptr<EtcdTarget>> EtcdTarget::create(Host host, const vr_target& target) {
  Result<Settings> settings = read_settings(target);
  if (!settings) return settings.error();
  return std::make_unique<EtcdTarget>(host, std::move(*settings));
}

EtcdTarget::EtcdTarget(Host host, Settings settings)
    : settings_(std::move(settings)), client_(host, settings_) {
  for (const Settings::Group& group : settings_.groups) {
    values_.add(std::make_unique<GroupValue>(
        host, group.name, group.key, GroupValue::Options{settings_.poll_ms, settings_.dry_run},
        std::make_unique<EtcdStore>(host, settings_, group, client_)));
  }
}

}  // namespace reconciler::etcd
