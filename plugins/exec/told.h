// What a program is told of a topology: environment, standard input, arguments. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/topology.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::exec {

struct Told {
  std::string target;
  const vr_topology& topology;
  std::optional<Endpoint> previous;  // the primary before, where it is known
};

// VR_...=value, and of this process's own environment what a program needs to find programs and to speak a language.
std::vector<std::string> environment_of(const Told& told);

// One JSON object with a line end.
std::string input_of(const Told& told);

// <master-name> <role> <state> <from-ip> <from-port> <to-ip> <to-port>, as Sentinel calls its client-reconfig-script
// (sentinelCallClientReconfScript in sentinel.c).
std::vector<std::string> sentinel_arguments(const Told& told);

}  // namespace reconciler::exec
