// Loads a plugin's shared object and refuses, with the reason, what is no plugin of this version or
// might not be trusted.
#pragma once

#include <string>

#include "common/config/plugin_schema.h"
#include "common/result.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::labeler {

// The file that `plugin` means: a path where it has a slash, else NAME.so in this installation's
// plugin folder.
std::string plugin_path(const std::string& plugin);

// Runs the constructors of the shared object. The plugin stays loaded until the process ends.
Result<const vr_plugin*> load_plugin(const std::string& path);

// What the plugin declares, checked.
Result<PluginSchema> schema_of(const vr_plugin& plugin);

}  // namespace reconciler::labeler
