#include "plugins/consul/consul_target.h"

#include <utility>

#include "plugins/consul/consul_store.h"

namespace reconciler::consul {

Result<std::unique_ptr<ConsulTarget>> ConsulTarget::create(Host host, const vr_target& target) {
  Result<Settings> settings = read_settings(target);
  if (!settings) return settings.error();
  return std::make_unique<ConsulTarget>(host, std::move(*settings));
}

ConsulTarget::ConsulTarget(Host host, Settings settings)
    : settings_(std::move(settings)), servers_(host, settings_.urls, settings_.tls) {
  for (const Settings::Group& group : settings_.groups) {
    values_.add(std::make_unique<GroupValue>(
        host, group.name, group.key, GroupValue::Options{settings_.poll_ms, settings_.dry_run},
        std::make_unique<ConsulStore>(settings_, group, servers_)));
  }
}

}  // namespace reconciler::consul
