// The Events of Kubernetes by which a pod tells in `kubectl describe` what became of its label. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

// How somebody else moved the label of a pod.
struct Moved {
  bool on = false;
  std::string by;  // by managedFields; empty where not known
};

// A fence or promotion that was confirmed.
struct WrittenStamp {
  const Pod& seen;  // before
  const Stamp& stamp;
  const std::string& cause;  // of the topology
  std::optional<Moved> moved;
};

struct PodEvent {
  std::string pod;
  std::string uid;
  const char* reason;  // PrimaryPromoted, PrimaryDemoted, LabelRepaired
  const char* action;  // what was done, in the words of events.k8s.io: Promote, Demote, Repair
  std::string message;
};

// Nothing where the write left the label as it was.
std::optional<PodEvent> event_of(const WrittenStamp& written, const LabelRule& rule);

// A pod that a Service leads to, by what we write.
struct LedPod {
  std::string name;
  std::string uid;
};

// Of a write that was confirmed: nothing of pods to which it leads as before.
std::vector<PodEvent> events_of_switch(const std::string& service,
                                       const std::vector<LedPod>& before,
                                       const std::vector<LedPod>& after, const Stamp& stamp,
                                       const std::string& cause);

// Who tells it, when, and under which name; no two Events may share one.
struct EventOrigin {
  std::string pod_namespace;
  std::string instance;  // of this program: the node, else the machine's name
  uint64_t unix_us = 0;
  uint64_t unique = 0;
};

// A v1 Event; of the fields old and new, as both `kubectl describe` of any age and events.k8s.io want them.
std::string event_body(const PodEvent& event, const EventOrigin& origin);

}  // namespace reconciler
