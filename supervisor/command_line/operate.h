// The commands by which an operator has a group left alone and taken up again.
#pragma once

#include <string>

namespace reconciler::command_line {

struct OrderWish {
  std::string verb;  // pause, resume, release
  std::string group;
  std::string reason;  // of pause; may be empty
};

// A line for each target. 0 where all have done it; 1 where one refuses; 75 where one has not done it in time; 66 where no
// such group is configured; 69 where no supervisor answers.
int order(const std::string& socket, const OrderWish& wish);

}  // namespace reconciler::command_line
