// The status document, schema 1, which /status and the control socket serve: STATUS.md tells what
// it says. Pure.
#pragma once

#include <string>

#include "supervisor/shown_state.h"

namespace reconciler {

// JSON, with a line's end.
std::string status_document(const ShownState& state);

}  // namespace reconciler
