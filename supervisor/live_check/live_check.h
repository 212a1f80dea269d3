// `check --live`: asks Sentinels, instances and targets whether they can be reached and grant what is needed.
#pragma once

#include <vector>

#include "common/config/configuration.h"
#include "supervisor/live_check/finding.h"

namespace reconciler {

// Runs the children without HTTP and gives the labelers no topology, so that nothing is written anywhere. Ends when all have
// answered, after `timeout` at the latest, or at a TERM or INT; what has not answered by then is a finding, too.
std::vector<Finding> check_live(Configuration configuration, Milliseconds timeout);

}  // namespace reconciler
