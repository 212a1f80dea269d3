// Sends Events (pod_event.h), each of them once, few at a time, and while no group is being made right: they are for people who
// look at a pod, and nothing depends on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/pod_event.h"
#include "plugins/kubernetes/settings.h"

namespace reconciler {

// Owned by the KubernetesTarget.
class PodEvents {
 public:
  // What a group may send in a minute: who fights over a label must not fill the API server.
  struct Budget {
    uint64_t since_ns = 0;
    int spent = 0;
  };

  PodEvents(Host host, ApiClient& api, const Settings& settings);

  // Of any group, each begin with its end.
  void attempt_begun() { ++attempts_; }
  void attempt_ended();

  void tell(Budget& of_group, const std::vector<PodEvent>& events);

  // Without the right to create them none is sent for a while. The rights may be others now.
  void try_again() { refused_at_ns_.reset(); }

 private:
  struct Told {
    PodEvent event;
    uint64_t unix_us = 0;
    uint64_t at_ns = 0;
  };

  bool may_tell(Budget& of_group);
  void send_due();
  void send_waiting();
  void drop_waiting();
  void answered(const std::optional<ApiError>& error);

  Host host_;
  ApiClient& api_;
  const bool wanted_;
  const std::string instance_;
  std::deque<Told> waiting_;
  Timer longest_wait_;
  size_t attempts_ = 0;
  size_t open_ = 0;
  std::optional<uint64_t> refused_at_ns_;
  bool told_refused_ = false;
};

}  // namespace reconciler
