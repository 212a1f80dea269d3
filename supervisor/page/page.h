// The page at `/`, which shows in a browser what /status says. It is made of files that live in the
// executable, and asks nobody but the supervisor for anything.
#pragma once

#include "supervisor/http/http_server.h"

namespace reconciler::page {

// Adds `/` and, below `/page/`, the files that it needs.
void add_routes(HttpServer::Routes& routes);

}  // namespace reconciler::page
