#include "plugins/dns/dns_target.h"

#include <utility>

namespace reconciler::dns {

Result<std::unique_ptr<DnsTarget>> DnsTarget::create(Host host, const vr_target& target) {
  Result<Settings> settings = read_settings(target);
  if (!settings) return settings.error();
  return std::make_unique<DnsTarget>(host, std::move(*settings));
}

DnsTarget::DnsTarget(Host host, Settings settings) : settings_(std::move(settings)) {
  for (const Settings::Group& group : settings_.groups) {
    groups_.push_back(std::make_unique<GroupTarget>(host, settings_, group));
  }
}

void DnsTarget::apply(const vr_topology& topology, vr_request* request) {
  for (const auto& group : groups_) {
    if (group->name() == topology.group) return group->apply(topology, request);
  }
  abort_with("a topology of a group that the target does not serve");
}

void DnsTarget::cancel(vr_request* request) {
  for (const auto& group : groups_) group->cancel(request);
}

void DnsTarget::check() {
  for (const auto& group : groups_) group->look();
}

}  // namespace reconciler::dns
