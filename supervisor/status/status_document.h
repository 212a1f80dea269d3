// The status document, schema 1, which /status and the control socket serve: README.md tells what
// it says. Pure.
#pragma once

#include <string>

#include "supervisor/status/shown_state.h"

namespace reconciler {

// JSON, with a line's end.
std::string status_document(const ShownState& state);

}  // namespace reconciler
