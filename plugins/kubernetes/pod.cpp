#include "plugins/kubernetes/pod.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/json.h"
#include "plugins/address.h"

namespace reconciler {

namespace {

constexpr KeptMember labels_of_manager[] = {{"f:labels"}};
constexpr KeptMember fields_of_manager[] = {kept("f:metadata", labels_of_manager)};
constexpr KeptMember managers[] = {{"manager"}, kept("fieldsV1", fields_of_manager)};
constexpr KeptMember annotations[] = {{stamp_annotation}, {pause_annotation}};
constexpr KeptMember metadata_parts[] = {{"name"},
                                         {"uid"},
                                         {"labels"},
                                         kept("annotations", annotations),
                                         {"finalizers"},
                                         {"resourceVersion"},
                                         {"continue"},
                                         {"deletionTimestamp"},
                                         {"deletionGracePeriodSeconds"},
                                         kept("managedFields", managers)};
constexpr KeptMember container_parts[] = {{"ports"}};
constexpr KeptMember spec_parts[] = {
    {"nodeName"}, {"hostname"}, {"subdomain"}, kept("containers", container_parts)};
constexpr KeptMember status_parts[] = {{"podIP"}, {"podIPs"}, {"phase"}, {"conditions"}};
// Or of the Status that a watch tells an error by.
constexpr KeptMember pod_parts[] = {kept("metadata", metadata_parts),
                                    kept("spec", spec_parts),
                                    kept("status", status_parts),
                                    {"code"},
                                    {"message"}};
constexpr KeptMember all_parts[] = {kept("metadata", metadata_parts), kept("spec", spec_parts),
                                    kept("status", status_parts),     {"type"},
                                    kept("object", pod_parts),        kept("items", pod_parts)};

// A pod has one or two addresses and a handful of ports; more is not believed.
constexpr size_t most_addresses = 16;
constexpr size_t most_ports = 64;

void read_addresses(const cJSON* status, Pod& pod) {
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, json::member(status, "podIPs")) {
    if (pod.addresses.size() == most_addresses) break;
    if (auto ip = canonical_ip(json::text(entry, "ip"))) pod.addresses.push_back(std::move(*ip));
  }
  if (!pod.addresses.empty()) return;
  if (auto ip = canonical_ip(json::text(status, "podIP"))) pod.addresses.push_back(std::move(*ip));
}

void read_ports(const cJSON* spec, Pod& pod) {
  const cJSON* container = nullptr;
  cJSON_ArrayForEach(container, json::member(spec, "containers")) {
    const cJSON* port = nullptr;
    cJSON_ArrayForEach(port, json::member(container, "ports")) {
      if (pod.ports.size() == most_ports) return;
      const cJSON* number = json::member(port, "containerPort");
      if (cJSON_IsNumber(number) && number->valuedouble >= 1 && number->valuedouble <= 65535) {
        pod.ports.push_back(static_cast<uint16_t>(number->valuedouble));
        const std::string_view name = json::text(port, "name");
        if (!name.empty()) pod.named_ports.push_back({std::string(name), pod.ports.back()});
      }
    }
  }
}

bool is_ready(const cJSON* status) {
  const cJSON* condition = nullptr;
  cJSON_ArrayForEach(condition, json::member(status, "conditions")) {
    if (json::text(condition, "type") == "Ready") return json::text(condition, "status") == "True";
  }
  return false;
}

}  // namespace

const KeptMember parts_of_pods = kept("", all_parts);

std::optional<std::string_view> label_of(const Pod& pod, std::string_view key) {
  const auto label = std::find_if(pod.labels.begin(), pod.labels.end(),
                                  [&](const auto& each) { return each.first == key; });
  return label == pod.labels.end() ? std::nullopt : std::optional<std::string_view>(label->second);
}

bool decides_the_same(const Pod& a, const Pod& b) {
  const auto key = [](const Pod& pod) {
    return std::tie(pod.name, pod.uid, pod.node, pod.hostname, pod.subdomain, pod.addresses,
                    pod.ports, pod.named_ports, pod.ready, pod.finished, pod.terminating,
                    pod.has_labels, pod.has_annotations, pod.label, pod.replica_label, pod.labels,
                    pod.stamp.state, pod.stamp.text);
  };
  return key(a) == key(b) && a.paused() == b.paused();
}

void note_move(ObjectChange& change, const Pod& before, const Pod& after) {
  if (before.uid != after.uid || before.label == after.label ||
      before.stamp.text != after.stamp.text) {
    return;
  }
  change.moved = after.name;
  change.moved_from = before.label;
  if (after.label_manager) change.moved_by = *after.label_manager;
}

Result<Pod> read_pod(const cJSON* json, const LabelRule& rule) {
  const cJSON* metadata = json::member(json, "metadata");
  const cJSON* spec = json::member(json, "spec");
  const cJSON* status = json::member(json, "status");
  Pod pod;
  if (!read_metadata(metadata, pod)) return Error("a pod without name or uid");
  pod.node = json::text(spec, "nodeName");
  pod.hostname = json::text(spec, "hostname");
  pod.subdomain = json::text(spec, "subdomain");
  read_addresses(status, pod);
  read_ports(spec, pod);
  pod.ready = is_ready(status);
  const std::string_view phase = json::text(status, "phase");
  pod.finished = phase == "Succeeded" || phase == "Failed";
  pod.terminating = !json::text(metadata, "deletionTimestamp").empty();
  const cJSON* grace = json::member(metadata, "deletionGracePeriodSeconds");
  pod.vanishing = pod.terminating && cJSON_IsNumber(grace) && grace->valuedouble == 0 &&
                  cJSON_GetArraySize(json::member(metadata, "finalizers")) == 0;

  const cJSON* labels = json::member(metadata, "labels");
  const cJSON* entry = nullptr;
  pod.labels.reserve(static_cast<size_t>(cJSON_GetArraySize(labels)));
  cJSON_ArrayForEach(entry, labels) {
    if (entry->string != nullptr) pod.labels.emplace_back(entry->string, json::text(entry));
  }
  const cJSON* label = json::member(labels, rule.name.c_str());
  if (cJSON_IsString(label)) {
    pod.label = std::string(json::text(label));
    std::string manager = manager_of(metadata, {"metadata", "labels", rule.name});
    if (!manager.empty()) pod.label_manager = std::move(manager);
  }
  const cJSON* replica = json::member(labels, rule.replica.name.c_str());
  if (rule.marks_replicas() && cJSON_IsString(replica)) pod.replica_label = json::text(replica);
  return pod;
}

Result<Pod> read_pod(std::string_view text, const LabelRule& rule) {
  const json::Document json = json::parse(sieved(text, parts_of_pods));
  if (!json) return Error("the answer is no JSON");
  return read_pod(json.get(), rule);
}

}  // namespace reconciler
