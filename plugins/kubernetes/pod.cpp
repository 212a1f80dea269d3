#include "plugins/kubernetes/pod.h"

#include <charconv>
#include <tuple>
#include <utility>

#include "plugins/kubernetes/address.h"
#include "plugins/kubernetes/json.h"
#include "plugins/kubernetes/pause.h"

namespace reconciler {

namespace {

// A pod has one or two addresses and a handful of ports; more is not believed.
constexpr size_t most_addresses = 16;
constexpr size_t most_ports = 64;

uint64_t version_number(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end ? number : 0;
}

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

// The manager that owns the label, where it is not us: fieldsV1 holds {"f:metadata":{"f:labels":{"f:NAME":{}}}}.
std::string label_manager(const cJSON* metadata, const std::string& name) {
  const std::string field = "f:" + name;
  std::string manager;
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, member(metadata, "managedFields")) {
    const cJSON* labels = member(member(member(entry, "fieldsV1"), "f:metadata"), "f:labels");
    if (member(labels, field.c_str()) == nullptr) continue;
    if (text_member(entry, "manager") != field_manager) manager = text_member(entry, "manager");
  }
  return manager;
}

}  // namespace

bool decides_the_same(const Pod& a, const Pod& b) {
  const auto key = [](const Pod& pod) {
    return std::tie(pod.name, pod.uid, pod.node, pod.hostname, pod.subdomain, pod.addresses,
                    pod.ports, pod.ready, pod.finished, pod.terminating, pod.has_labels,
                    pod.has_annotations, pod.label, pod.replica_label, pod.stamp.state,
                    pod.stamp.text, pod.paused);
  };
  return key(a) == key(b);
}

Result<Pod> read_pod(const cJSON* json, const LabelRule& rule) {
  const cJSON* metadata = member(json, "metadata");
  const cJSON* spec = member(json, "spec");
  const cJSON* status = member(json, "status");
  Pod pod;
  pod.name = text_member(metadata, "name");
  pod.uid = text_member(metadata, "uid");
  if (pod.name.empty() || pod.uid.empty()) return Error("a pod without name or uid");
  pod.version = version_number(text_member(metadata, "resourceVersion"));
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
  pod.has_labels = cJSON_IsObject(labels);
  const cJSON* label = member(labels, rule.name.c_str());
  if (cJSON_IsString(label)) {
    pod.label = std::string(text_of(label));
    pod.label_manager = label_manager(metadata, rule.name);
  }
  const cJSON* replica = member(labels, rule.replica.name.c_str());
  if (rule.marks_replicas() && cJSON_IsString(replica)) pod.replica_label = text_of(replica);
  const cJSON* annotations = member(metadata, "annotations");
  pod.has_annotations = cJSON_IsObject(annotations);
  const cJSON* stamp = member(annotations, stamp_annotation);
  if (cJSON_IsString(stamp)) pod.stamp = read_stamp(std::string(text_of(stamp)));
  pod.paused = pause_reason(text_member(annotations, pause_annotation));
  return pod;
}

Result<Pod> read_pod(std::string_view text, const LabelRule& rule) {
  const Json json = parse_json(text);
  if (!json) return Error("the answer is no JSON");
  return read_pod(json.get(), rule);
}

Result<PodPage> read_pod_page(std::string_view text, const LabelRule& rule) {
  const Json json = parse_json(text);
  const cJSON* items = member(json.get(), "items");
  // An empty list is `[]`, or null from servers that were written in Go and are not the real one.
  if (items == nullptr || !(cJSON_IsArray(items) || cJSON_IsNull(items))) {
    return Error("the answer is no list of pods");
  }
  const cJSON* metadata = member(json.get(), "metadata");
  PodPage page;
  page.version_text = text_member(metadata, "resourceVersion");
  page.version = version_number(page.version_text);
  page.rest = text_member(metadata, "continue");
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, items) {
    Result<Pod> pod = read_pod(item, rule);
    if (pod) {
      page.pods.push_back(std::move(*pod));
    } else {
      ++page.unreadable;
    }
  }
  return page;
}

Result<WatchEvent> read_watch_event(std::string_view line, const LabelRule& rule) {
  const Json json = parse_json(line);
  const std::string_view type = text_member(json.get(), "type");
  const cJSON* object = member(json.get(), "object");
  WatchEvent event;
  if (type == "ERROR") {
    event.type = WatchEvent::Type::error;
    const cJSON* code = member(object, "code");
    if (cJSON_IsNumber(code) && code->valuedouble >= 0 && code->valuedouble < 1000) {
      event.code = static_cast<int>(code->valuedouble);
    }
    event.message = text_member(object, "message");
    return event;
  }
  event.version_text = text_member(member(object, "metadata"), "resourceVersion");
  event.version = version_number(event.version_text);
  if (type == "BOOKMARK") return event;
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") {
    return Error("the line is no watch event");
  }
  event.type = type == "DELETED" ? WatchEvent::Type::removed : WatchEvent::Type::set;
  Result<Pod> pod = read_pod(object, rule);
  if (!pod) return pod.error();
  event.pod = std::move(*pod);
  return event;
}

}  // namespace reconciler
