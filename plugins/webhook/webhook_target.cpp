#include "plugins/webhook/webhook_target.h"

#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace reconciler::webhook {

namespace {

std::string fresh_run() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}", source(), source());
}

}  // namespace

Result<std::unique_ptr<WebhookTarget>> WebhookTarget::create(Host host, const vr_target& target) {
  Result<Settings> settings = read_settings(target);
  if (!settings) return settings.error();
  return std::make_unique<WebhookTarget>(host, std::move(*settings));
}

WebhookTarget::WebhookTarget(Host host, Settings settings)
    : settings_(std::move(settings)), client_(host, {settings_.url, "", settings_.tls}) {
  const std::string run = fresh_run();
  for (const std::string& group : settings_.groups) {
    groups_.push_back(std::make_unique<GroupTarget>(host, settings_, group, run, client_));
  }
}

void WebhookTarget::apply(const vr_topology& topology, vr_request* request) {
  for (const auto& group : groups_) {
    if (group->group() == topology.group) return group->apply(topology, request);
  }
  abort_with("a topology of a group that the target does not serve");
}

void WebhookTarget::cancel(vr_request* request) {
  for (const auto& group : groups_) group->cancel(request);
}

}  // namespace reconciler::webhook
