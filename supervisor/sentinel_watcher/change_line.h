// A change of what is published, as a line of the log: what, the first word of it, and on what it rests. Pure.
#pragma once

#include <string>

#include "common/log.h"
#include "common/topology.h"
#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

struct ChangeLine {
  log::Level level = log::Level::info;
  std::string text;
};

// `topology`: what is published from now on. `verdict.change` is not `none`.
ChangeLine change_in_words(const Verdict& verdict, const Topology& topology,
                           const Endpoint& old_primary);

}  // namespace reconciler
