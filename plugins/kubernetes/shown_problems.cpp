#include "plugins/kubernetes/shown_problems.h"

#include <utility>

namespace reconciler {

void ShownProblems::show(const char* id, const std::string& message) {
  if (id_ != id) clear();
  id_ = id;
  host_.set_blocking(group_, id, message);
}

void ShownProblems::clear() {
  if (!id_.empty()) host_.clear_problem(group_, id_.c_str());
  id_.clear();
}

bool ShownProblems::show_pause(const std::string& reason) {
  if (std::exchange(paused_, reason) == reason) return false;
  if (reason.empty()) {
    host_.log(VR_INFO, group_, "no longer paused");
    host_.clear_problem(group_, "paused");
    return true;
  }
  host_.log(VR_WARNING, group_, "{}; nothing is written", reason);
  host_.set_degraded(group_, "paused", reason);
  return false;
}

}  // namespace reconciler
