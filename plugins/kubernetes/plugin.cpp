// The plugin's entry: settings are read, and KubernetesTarget stands behind the C interface.
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "common/result.h"
#include "plugins/host.h"
#include "plugins/kubernetes/kubernetes_target.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/settings.h"

namespace reconciler {

namespace {

// OpenSSL writes to sockets that the other side may have closed.
void ignore_broken_pipes() {
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return;
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

std::unique_ptr<KubernetesTarget> create(vr::Host host, const vr_target& target,
                                         std::string& error) {
  ignore_broken_pipes();
  Result<Settings> settings = read_settings(target);
  if (!settings) {
    error = settings.error().message();
    return nullptr;
  }
  return made_or(error, KubernetesTarget::create(Host(host), std::move(*settings)));
}

}  // namespace

}  // namespace reconciler

const vr_plugin* VR_PLUGIN_ENTRY() {
  return vr::plugin<&reconciler::create>("kubernetes", RECONCILER_VERSION,
                                         reconciler::setting_keys());
}
