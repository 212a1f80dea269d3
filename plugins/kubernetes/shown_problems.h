// What is shown of one group: the problem that keeps it from being right, and that it is paused.
#pragma once

#include <string>
#include <utility>

#include "plugins/host.h"

namespace reconciler {

// Owned by what publishes the group.
class ShownProblems {
 public:
  ShownProblems(Host host, std::string group) : host_(host), group_(std::move(group)) {}

  // In the place of the one that was shown.
  void show(const char* id, const std::string& message);
  void clear();

  // `reason` empty: it is not paused. While all is right anyway that is no more than worth knowing. Whether it is over.
  bool show_pause(const std::string& reason);
  bool paused() const { return !paused_.empty(); }

 private:
  Host host_;
  const std::string group_;
  std::string id_;
  std::string paused_;  // the reason
};

}  // namespace reconciler
