// `--once`: makes everything right, then ends. For cron and for init containers.
#pragma once

#include "common/config/configuration.h"

namespace reconciler {

// On a dry run: until every target has said what it would change; 0 where that is nothing, else 75 with the reasons.
//
// Otherwise: runs the children, without HTTP, until every group is known and every target in sync. The exit status: 0, or 75
// (EX_TEMPFAIL) with the reasons on standard error where that is not so within `timeout`, or before a TERM or INT.
int run_once(Configuration configuration, Milliseconds timeout);

}  // namespace reconciler
