// Why nothing is sent for a group for the moment: the API server asked to wait (Retry-After), or refused for a reason
// that does not go by itself.
#pragma once

#include <functional>
#include <string>

#include "common/backoff.h"
#include "plugins/host.h"
#include "plugins/kubernetes/api_error.h"

namespace reconciler {

// Owned by what publishes a group, which tells it what became of its attempts and asks it before it sends anything.
class Hold {
 public:
  Hold(Host host, std::function<void()> over);

  // An attempt ended by this.
  void after(const ApiError& error);
  // The same where the host does not repeat it by itself, whatever the error.
  void after_any(const ApiError& error);

  // What was refused may be granted now. Where the server asked to wait, that is still done.
  void lift();

  bool on() const { return timer_.running(); }
  const std::string& why() const { return why_; }

 private:
  std::function<void()> over_;
  std::string why_;
  bool asked_ = false;
  Timer timer_;
  Backoff refused_;
};

}  // namespace reconciler
