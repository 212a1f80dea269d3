// The plugin's border: the C interface on one side, HaproxyTarget on the other. No exception passes.
#include <cstdio>
#include <exception>
#include <memory>

#include "common/result.h"
#include "plugins/haproxy/haproxy_target.h"
#include "plugins/haproxy/settings.h"
#include "plugins/host.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace {

using namespace reconciler;  // NOLINT: the one file outside of it
using haproxy::HaproxyTarget;

void* create(const vr_host* host, const vr_target* target, char* error, size_t error_size) {
  try {
    Result<std::unique_ptr<HaproxyTarget>> made = HaproxyTarget::create(Host(host), *target);
    if (made) return made->release();
    std::snprintf(error, error_size, "%s", made.error().message().c_str());
  } catch (const std::exception& failure) {
    std::snprintf(error, error_size, "%s", failure.what());
  }
  return nullptr;
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

HaproxyTarget& self(void* instance) { return *static_cast<HaproxyTarget*>(instance); }

void destroy(void* instance) { delete &self(instance); }

void apply(void* instance, const vr_topology* topology, vr_request* request) {
  guarded([&] { self(instance).apply(*topology, request); });
}

void cancel(void* instance, vr_request* request) {
  guarded([&] { self(instance).cancel(request); });
}

void check(void* instance) {
  guarded([&] { self(instance).check(); });
}

}  // namespace

extern "C" VR_PLUGIN_EXPORT const vr_plugin* VR_PLUGIN_ENTRY(void) {
  static const haproxy::KeyTable table = haproxy::setting_keys();
  static const vr_plugin plugin{sizeof(vr_plugin), "haproxy", RECONCILER_VERSION, table.count,
                                table.keys,        &create,   &destroy,           &apply,
                                &cancel,           &check};
  return &plugin;
}
