// Which rights a target's way to publish needs, as the API server names them. Pure.
#pragma once

#include <vector>

#include "plugins/kubernetes/settings.h"

namespace reconciler {

struct Right {
  const char* verb;
  const char* api_group;  // empty: the core group
  const char* resource;
  bool blocking;  // false: without it something is missing, but a failover is followed
};

std::vector<Right> rights_needed(const Settings& settings);

}  // namespace reconciler
