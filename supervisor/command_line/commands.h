// What the commands print. Those that ask a running supervisor give the process's exit status.
#pragma once

#include <string>
#include <vector>

#include "supervisor/live_check/finding.h"

namespace reconciler::command_line {

struct StatusWishes {
  bool json = false;   // the document as it is
  bool watch = false;  // again each second, until interrupted
};

// 0; 69 where no supervisor answers.
int status(const std::string& socket, const StatusWishes& wishes);

// 0; 66 where no such group is configured; 69 where no supervisor answers.
int explain(const std::string& socket, const std::string& group, bool json);

// Of `check --live`.
void show(const std::vector<Finding>& findings, bool json);

}  // namespace reconciler::command_line
