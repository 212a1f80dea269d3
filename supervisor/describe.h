// Asks a plugin for its configuration schema through `labeler --describe`: a plugin's code never
// runs in this process.
#pragma once

#include <string>

#include "common/config/plugin_schema.h"
#include "common/result.h"

namespace reconciler {

// Blocks for 5 s at most. May be called from any thread.
Result<PluginSchema> describe_plugin(const std::string& plugin);

}  // namespace reconciler
