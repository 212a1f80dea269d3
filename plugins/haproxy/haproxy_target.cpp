#include "plugins/haproxy/haproxy_target.h"

#include <utility>

namespace reconciler::haproxy {

Result<std::unique_ptr<HaproxyTarget>> HaproxyTarget::create(Host host, const vr_target& target) {
  Result<Settings> settings = read_settings(target);
  if (!settings) return settings.error();
  return std::make_unique<HaproxyTarget>(host, std::move(*settings));
}

HaproxyTarget::HaproxyTarget(Host host, Settings settings) : settings_(std::move(settings)) {
  for (const Settings::Group& group : settings_.groups) {
    groups_.push_back(std::make_unique<GroupTarget>(host, settings_, group));
  }
}

void HaproxyTarget::apply(const vr_topology& topology, vr_request* request) {
  for (const auto& group : groups_) {
    if (group->name() == topology.group) return group->apply(topology, request);
  }
  abort_with("a topology of a group that the target does not serve");
}

void HaproxyTarget::cancel(vr_request* request) {
  for (const auto& group : groups_) group->cancel(request);
}

void HaproxyTarget::check() {
  for (const auto& group : groups_) group->look();
}

}  // namespace reconciler::haproxy
