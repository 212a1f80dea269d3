// What a program is told of a topology: environment, standard input, arguments. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/topology.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler::exec {

// The primaries of one group, as far as they were followed.
class Succession {
 public:
  void follow(const Endpoint& primary) {
    if (last_ != primary) before_last_ = std::exchange(last_, primary);
  }
  // Who was primary before `primary`, which may be the one followed last.
  std::optional<Endpoint> before(const Endpoint& primary) const {
    return last_ == primary ? before_last_ : last_;
  }

 private:
  std::optional<Endpoint> last_;
  std::optional<Endpoint> before_last_;
};

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
