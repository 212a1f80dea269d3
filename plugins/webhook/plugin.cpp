// The webhook target's entry.
#include <memory>
#include <string>

#include "plugins/settings.h"
#include "plugins/webhook/settings.h"
#include "plugins/webhook/webhook_target.h"

namespace reconciler::webhook {

namespace {

std::unique_ptr<WebhookTarget> create(vr::Host host, const vr_target& target, std::string& error) {
  return made_or(error, WebhookTarget::create(Host(host), target));
}

}  // namespace

}  // namespace reconciler::webhook

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::webhook::create>("webhook", RECONCILER_VERSION,
                                                  reconciler::webhook::setting_keys());
}
