// Starts a program under a guard, which ends the program's whole process group when we die.
#pragma once

#include <sys/types.h>

#include "common/result.h"

namespace reconciler::exec {

struct Descriptors {
  int input;
  int output;   // standard output and standard error
  int failure;  // gets the errno of an exec that failed
};

// The guard's number, which is its group's too. The guard ends as the program does, with its status or by its signal.
// `arguments` and `environment` end with nullptr.
Result<pid_t> spawn(const Descriptors& descriptors, char** arguments, char** environment);

}  // namespace reconciler::exec
