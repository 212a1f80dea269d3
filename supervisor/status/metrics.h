// /metrics: what Prometheus is told. Pure. README.md has the list.
#pragma once

#include <string>

#include "supervisor/status/shown_state.h"

namespace reconciler {

std::string metrics(const ShownState& state);

}  // namespace reconciler
