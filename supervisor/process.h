// Starting programs: fork and exec in one, with nothing inherited but what is named.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/result.h"

namespace reconciler {

struct ProcessPlan {
  std::string executable;              // path
  std::vector<std::string> arguments;  // without the program's name
  int descriptor_3 = -1;               // becomes the child's descriptor 3; -1: none
  int descriptor_4 = -1;               // likewise; itself not 3
  int standard_output = -1;            // -1: inherited
  int standard_error = -1;             // -1: inherited
};

// The child gets a process group of its own (a terminal's Ctrl-C reaches the supervisor alone),
// default signal handlers, and of the environment a short list: no password that stands in a
// variable goes further than the supervisor.
Result<pid_t> start_process(const ProcessPlan& plan);

// A child that runs already, and our end of its channel.
struct StartedProcess {
  pid_t pid = -1;
  Descriptor channel;
  uint64_t generation = 0;  // as which it was configured; 0: it waits for its configuration
};

// With a channel as descriptor 3; the first argument says who we are.
Result<StartedProcess> start_child(const std::string& executable);

// `exited with status 3`, `killed by signal 9 (Killed)`.
std::string describe_wait_status(int status);

}  // namespace reconciler
