// The daemon: the supervisor with HTTP, control socket, reload and signals around it, until TERM or INT.
#pragma once

#include <optional>
#include <string>

#include "supervisor/configuration_source.h"

namespace reconciler {

// `socket`: of the control socket; none: the default. Returns the exit status.
int serve(ConfigurationSource source, const std::optional<std::string>& socket);

}  // namespace reconciler
