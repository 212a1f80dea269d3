// The plugin's border: the C interface on one side, KubernetesTarget on the other. No exception passes.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include "common/result.h"
#include "plugins/host.h"
#include "plugins/kubernetes/kubernetes_target.h"
#include "plugins/kubernetes/settings.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

namespace {

// OpenSSL writes to sockets that the other side may have closed.
void ignore_broken_pipes() {
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return;
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

void* create(const vr_host* host, const vr_target* target, char* error, size_t error_size) {
  try {
    ignore_broken_pipes();
    Result<Settings> settings = read_settings(*target);
    if (!settings) {
      std::snprintf(error, error_size, "%s", settings.error().message().c_str());
      return nullptr;
    }
    Result<std::unique_ptr<KubernetesTarget>> made =
        KubernetesTarget::create(Host(host), std::move(*settings));
    if (!made) {
      std::snprintf(error, error_size, "%s", made.error().message().c_str());
      return nullptr;
    }
    return made->release();
  } catch (const std::exception& failure) {
    std::snprintf(error, error_size, "%s", failure.what());
    return nullptr;
  }
}

// Past `create` nothing of ours throws but for a lack of memory: that ends the labeler, which is started anew.
template <typename Function>
void guarded(Function function) {
  try {
    function();
  } catch (const std::exception& failure) {
    abort_with(failure.what());
  }
}

void destroy(void* instance) { delete static_cast<KubernetesTarget*>(instance); }

void apply(void* instance, const vr_topology* topology, vr_request* request) {
  guarded([&] { static_cast<KubernetesTarget*>(instance)->apply(*topology, request); });
}

void cancel(void* instance, vr_request* request) {
  guarded([&] { static_cast<KubernetesTarget*>(instance)->cancel(request); });
}

void check(void* instance) {
  guarded([&] { static_cast<KubernetesTarget*>(instance)->check(); });
}

}  // namespace

}  // namespace reconciler

extern "C" VR_PLUGIN_EXPORT const vr_plugin* VR_PLUGIN_ENTRY(void) {
  using namespace reconciler;  // NOLINT: the one function outside of it
  static const KeyTable table = setting_keys();
  static const vr_plugin plugin{sizeof(vr_plugin), "kubernetes", RECONCILER_VERSION, table.count,
                                table.keys,        &create,      &destroy,           &apply,
                                &cancel,           &check};
  return &plugin;
}
