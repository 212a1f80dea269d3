// The file target's entry: the border between the plugin interface and FileTarget.

#include <array>
#include <cstdio>
#include <memory>

#include "plugins/file/file_target.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace {

using reconciler::file::FileTarget;

const vr_key directory_key = {
    sizeof(vr_key),
    "directory",
    VR_STRING,
    VR_KEY_REQUIRED | VR_KEY_FILE,
    nullptr,
    0,
    0,
    nullptr,
    nullptr,
    "Folder in which one JSON file for each group, <group>.json, is kept; it has to exist.",
};
const std::array<const vr_key*, 1> keys{&directory_key};

void* create(const vr_host* host, const vr_target* target, char* error, size_t error_size) {
  auto file = std::make_unique<FileTarget>(*host, *target);
  if (auto started = file->start(); !started) {
    std::snprintf(error, error_size, "%s", started.error().message().c_str());
    return nullptr;
  }
  return file.release();
}

void destroy(void* instance) { delete static_cast<FileTarget*>(instance); }

void apply(void* instance, const vr_topology* topology, vr_request* request) {
  static_cast<FileTarget*>(instance)->apply(*topology, request);
}

// A write can't be taken back half-way; it completes by itself.
void cancel(void*, vr_request*) {}

const vr_plugin plugin = {sizeof(vr_plugin),
                          "file",
                          RECONCILER_VERSION,
                          keys.size(),
                          keys.data(),
                          create,
                          destroy,
                          apply,
                          cancel,
                          nullptr};

}  // namespace

extern "C" VR_PLUGIN_EXPORT const vr_plugin* VR_PLUGIN_ENTRY();
extern "C" VR_PLUGIN_EXPORT const vr_plugin* VR_PLUGIN_ENTRY() { return &plugin; }
