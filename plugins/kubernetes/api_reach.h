// Whether the API server answers: finds a watch that is silent because its server is gone, keeps the connection for
// changes warm, and while there is no answer tries until there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"

namespace reconciler {

// Owned by the KubernetesTarget.
class ApiReach {
 public:
  struct Listener {
    std::function<void()> back;  // it answers, after it did not
    std::function<void()>
        watch_silent;  // the watches' connection is dead, or its server about to stop
  };

  // `origin`: how the server was found, for people.
  ApiReach(Host host, ApiClient& api, std::string origin, Listener listener);

  void start();
  bool down() const { return state_ == State::down; }

 private:
  enum class State : uint8_t { unknown, up, down };

  void note(const std::string& cause);
  void probe();
  void probe_further();
  void check_watches();
  void keep_warm();

  Host host_;
  ApiClient& api_;
  const std::string origin_;
  const Listener listener_;
  State state_ = State::unknown;
  std::string told_;
  bool probing_ = false;
  Timer probe_timer_;
  Timer watch_timer_;
  Timer warm_timer_;
};

}  // namespace reconciler
