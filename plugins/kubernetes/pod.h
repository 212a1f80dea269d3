// A pod, as little of it as deciding needs, and how it is read from what the API server says. Pure; survives any
// JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "plugins/kubernetes/api_object.h"
#include "plugins/kubernetes/json_sieve.h"
#include "plugins/kubernetes/rare.h"

namespace reconciler {

// The label of healthy replicas.
struct ReplicaRule {
  std::string name;  // empty: none
  std::string value = "true";
  std::string otherwise;  // what it says on the other pods; empty: they don't have it

  std::optional<std::string> value_for(bool is_replica) const {
    if (is_replica) return value;
    return otherwise.empty() ? std::nullopt : std::optional(otherwise);
  }
};

// The label that marks the primary. Only this value counts as carrying it: it is what a Service selects.
struct LabelRule {
  std::string name = "valkey-master";
  std::string value = "true";
  ReplicaRule replica{};

  bool marks_replicas() const { return !replica.name.empty(); }
  bool is_shared() const { return replica.name == name; }  // one label says either role
};

inline constexpr char pod_name_label[] = "statefulset.kubernetes.io/pod-name";
inline constexpr char zone_label[] = "topology.kubernetes.io/zone";

struct NamedPort {
  std::string name;
  uint16_t number = 0;

  friend bool operator==(const NamedPort&, const NamedPort&) = default;
};

// As small as it can be while it reads well: thousands may be watched.
struct Pod : ApiObject {
  using Label = std::pair<std::string, std::string>;

  std::string node;
  std::string hostname;                // spec.hostname; empty where not set
  std::string subdomain;               // spec.subdomain
  std::vector<std::string> addresses;  // status.podIPs, canonical
  std::vector<uint16_t> ports;         // containerPorts, for pods that share an address
  std::vector<NamedPort> named_ports;  // of them
  bool ready = false;
  bool finished = false;     // Succeeded or Failed: its address may be another's by now
  bool terminating = false;  // has a deletionTimestamp

  // Its grace is over and no finalizer holds it: the API server deletes it at any moment, and with whatever write comes
  // before. Such a write is answered by 200 and the pod as it would have become, several at once, and none is kept.
  bool vanishing = false;

  std::optional<std::string> label;          // the value that the rule's label has here
  Rare<std::string> label_manager;           // who wrote it by managedFields, where that is not us
  std::optional<std::string> replica_label;  // the value that the replicas' label has here
  std::vector<Label> labels;                 // all: a Service selects by any

  bool carries(const LabelRule& rule) const { return label && *label == rule.value; }
};

std::optional<std::string_view> label_of(const Pod& pod, std::string_view key);
// Empty where it doesn't have that label.
inline std::string_view pod_name_label_of(const Pod& pod) {
  return label_of(pod, pod_name_label).value_or("");
}

// Whether two states of a pod are the same for deciding: everything but the version and the label's manager.
bool decides_the_same(const Pod& a, const Pod& b);
// The rule's label came or went with no word of ours in the stamp.
void note_move(ObjectChange& change, const Pod& before, const Pod& after);

// What is read of a pod, of a list of them and of an event.
extern const KeptMember parts_of_pods;

// `json`: one Pod object, as in a list, an event or a patch's answer.
Result<Pod> read_pod(const cJSON* json, const LabelRule& rule);
Result<Pod> read_pod(std::string_view text, const LabelRule& rule);

}  // namespace reconciler
