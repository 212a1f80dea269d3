// What the control socket answers.
#pragma once

#include <string>

#include "supervisor/control/control_server.h"
#include "supervisor/supervisor.h"

namespace reconciler {

// Why this is nothing that an operator may say in an order; empty: it is.
std::string refusal_of_words(const std::string& words);

// `supervisor` outlives them.
ControlServer::Routes control_routes(Supervisor& supervisor);

}  // namespace reconciler
