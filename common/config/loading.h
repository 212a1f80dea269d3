// Reads and checks the configuration: the TOML file (where there is one) with the environment over it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/config/configuration.h"
#include "common/config/plugin_schema.h"
#include "common/result.h"

namespace reconciler {

using Environment = std::map<std::string, std::string>;

// The process's own variables.
Environment current_environment();

// What stands in a configuration file. Never blocks: a pipe or a device is refused. One byte more than is allowed at most.
Result<std::string> read_configuration_file(const std::string& path);

// All but the targets was read, and nothing was wrong with it: that part stays as it is.
using SentinelsRead = std::function<void(const Configuration&)>;

// `file`: what to read; nullopt: the environment alone. `plugins`: asked once for each plugin that a target names, after `read`.
// The error names file, line, column and key (or the variable), and what was expected, in one message that may have several lines.
Result<Configuration> load_configuration(const std::optional<std::string>& file,
                                         const Environment& environment,
                                         const DescribePlugin& plugins,
                                         const SentinelsRead& read = nullptr);

// The effective configuration as TOML with every key, defaults included, secrets as "***": what `check` prints. It can be
// read again, but for the secrets.
std::string to_toml(const Configuration& configuration);

}  // namespace reconciler
