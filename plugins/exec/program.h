// One run of a program: without a shell, in a process group of its own, never blocking, and ended when we
// end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/descriptor.h"
#include "common/result.h"
#include "plugins/exec/output_lines.h"
#include "plugins/host.h"

namespace reconciler::exec {

struct ProgramPlan {
  std::string group;                     // for the log
  std::vector<std::string> command;      // an absolute path and its arguments
  std::vector<std::string> environment;  // NAME=value, all that it gets
  std::string input;                     // on its standard input
  uint64_t deadline_ms = 0;
};

// As far as one can say without running it.
Result<void> check_command(const std::vector<std::string>& command);

struct ProgramEnd {
  int exit_status = -1;     // -1: it never ran, or a signal ended it
  bool terminated = false;  // we sent TERM, since it was cancelled or its deadline had passed
  std::string what;         // `/usr/local/bin/move exited with status 1: its last line`
};

// Driven by the host's loop, owned by a plugin's target. What is left of its process group is killed
// when it ends or is destroyed.
class Program {
 public:
  Program(Host host, ProgramPlan plan, std::function<void(const ProgramEnd&)> ended);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // `ended` is called later, once; never where this fails. It may destroy the program.
  Result<void> start();

  // It may finish within a second (what it has begun is better not left half-way) or until its
  // deadline; then TERM, another second later KILL, to the whole group.
  void cancel();

 private:
  void read_output();
  void terminate();
  void on_end();
  std::string description(int code, int status);

  Host host_;
  ProgramPlan plan_;
  std::function<void(const ProgramEnd&)> ended_;
  OutputLines lines_;
  uint64_t started_ns_ = 0;
  pid_t pid_ = -1;      // of its guard, and of its process group
  Descriptor process_;  // pidfd
  Descriptor output_;
  Descriptor failure_;  // errno of an exec that failed
  Watch process_watch_;
  Watch output_watch_;
  Timer timer_;
  bool terminated_ = false;
  bool killed_ = false;
};

}  // namespace reconciler::exec
