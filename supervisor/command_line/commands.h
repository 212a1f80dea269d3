// The commands that ask a running supervisor; each gives the process's exit status.
#pragma once

#include <string>

namespace reconciler::command_line {

struct StatusWishes {
  bool json = false;   // the document as it is
  bool watch = false;  // again each second, until interrupted
};

// 0; 69 where no supervisor answers.
int status(const std::string& socket, const StatusWishes& wishes);

// 0; 66 where no such group is configured; 69 where no supervisor answers.
int explain(const std::string& socket, const std::string& group, bool json);

}  // namespace reconciler::command_line
