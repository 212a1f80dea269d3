#include "plugins/kubernetes/pod.h"

#include <tuple>
#include <utility>

#include "plugins/address.h"
#include "plugins/json.h"
#include "plugins/kubernetes/pause.h"

namespace reconciler {

namespace {

// A pod has one or two addresses and a handful of ports; more is not believed.
constexpr size_t most_addresses = 16;
constexpr size_t most_ports = 64;

void read_addresses(const cJSON* status, Pod& pod) {
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, member(status, "podIPs")) {
    if (pod.addresses.size() == most_addresses) break;
    if (auto ip = canonical_ip(text_member(entry, "ip"))) pod.addresses.push_back(std::move(*ip));
  }
  if (!pod.addresses.empty()) return;
  if (auto ip = canonical_ip(text_member(status, "podIP"))) pod.addresses.push_back(std::move(*ip));
}

void read_ports(const cJSON* spec, Pod& pod) {
  const cJSON* container = nullptr;
  cJSON_ArrayForEach(container, member(spec, "containers")) {
    const cJSON* port = nullptr;
    cJSON_ArrayForEach(port, member(container, "ports")) {
      if (pod.ports.size() == most_ports) return;
      const cJSON* number = member(port, "containerPort");
      if (cJSON_IsNumber(number) && number->valuedouble >= 1 && number->valuedouble <= 65535) {
        pod.ports.push_back(static_cast<uint16_t>(number->valuedouble));
        const std::string_view name = text_member(port, "name");
        if (!name.empty()) pod.named_ports.push_back({std::string(name), pod.ports.back()});
      }
    }
  }
}

bool is_ready(const cJSON* status) {
  const cJSON* condition = nullptr;
  cJSON_ArrayForEach(condition, member(status, "conditions")) {
    if (text_member(condition, "type") == "Ready")
      return text_member(condition, "status") == "True";
  }
  return false;
}

}  // namespace

bool decides_the_same(const Pod& a, const Pod& b) {
  const auto key = [](const Pod& pod) {
    return std::tie(pod.name, pod.uid, pod.node, pod.zone, pod.hostname, pod.subdomain,
                    pod.addresses, pod.ports, pod.named_ports, pod.ready, pod.finished,
                    pod.terminating, pod.has_labels, pod.has_annotations, pod.label,
                    pod.replica_label, pod.labels, pod.stamp.state, pod.stamp.text, pod.paused);
  };
  return key(a) == key(b);
}

void note_move(ObjectChange& change, const Pod& before, const Pod& after) {
  if (before.uid != after.uid || before.label == after.label ||
      before.stamp.text != after.stamp.text) {
    return;
  }
  change.moved = after.name;
  change.moved_from = before.label;
  change.moved_by = after.label_manager;
}

Result<Pod> read_pod(const cJSON* json, const LabelRule& rule) {
  const cJSON* metadata = member(json, "metadata");
  const cJSON* spec = member(json, "spec");
  const cJSON* status = member(json, "status");
  Pod pod;
  if (!read_metadata(metadata, pod)) return Error("a pod without name or uid");
  pod.node = text_member(spec, "nodeName");
  pod.hostname = text_member(spec, "hostname");
  pod.subdomain = text_member(spec, "subdomain");
  read_addresses(status, pod);
  read_ports(spec, pod);
  pod.ready = is_ready(status);
  const std::string_view phase = text_member(status, "phase");
  pod.finished = phase == "Succeeded" || phase == "Failed";
  pod.terminating = !text_member(metadata, "deletionTimestamp").empty();
  const cJSON* grace = member(metadata, "deletionGracePeriodSeconds");
  pod.vanishing = pod.terminating && cJSON_IsNumber(grace) && grace->valuedouble == 0 &&
                  cJSON_GetArraySize(member(metadata, "finalizers")) == 0;

  const cJSON* labels = member(metadata, "labels");
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, labels) {
    if (entry->string != nullptr) pod.labels[entry->string] = text_of(entry);
  }
  pod.pod_name_label = text_member(labels, pod_name_label);
  pod.zone = text_member(labels, "topology.kubernetes.io/zone");
  const cJSON* label = member(labels, rule.name.c_str());
  if (cJSON_IsString(label)) {
    pod.label = std::string(text_of(label));
    pod.label_manager = manager_of(metadata, {"metadata", "labels", rule.name});
  }
  const cJSON* replica = member(labels, rule.replica.name.c_str());
  if (rule.marks_replicas() && cJSON_IsString(replica)) pod.replica_label = text_of(replica);
  pod.paused = pause_reason(member(metadata, "annotations"));
  return pod;
}

Result<Pod> read_pod(std::string_view text, const LabelRule& rule) {
  const Json json = parse_json(text);
  if (!json) return Error("the answer is no JSON");
  return read_pod(json.get(), rule);
}

}  // namespace reconciler
