// Repairs of late, so that two who disagree don't wear out the API server.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/host.h"

namespace reconciler {

// Owned by whatever publishes one group.
class Repairs {
 public:
  // `contest`: what the problem `contested` says.
  Repairs(Host host, std::string group, std::string contest);

  // Asks the host for an attempt: at once, and from the seventh within ten seconds on once a second.
  // `undone`: it was right, and is not any more. Who only has not got it right yet contests with nobody.
  void ask(bool undone);
  // The attempt that was asked for has begun.
  void begun() { asked_ = false; }

 private:
  Host host_;
  const std::string group_;
  const std::string contest_;
  uint64_t since_ns_ = 0;
  int count_ = 0;
  bool asked_ = false;
  Timer later_;
  Timer contest_over_;
};

}  // namespace reconciler
