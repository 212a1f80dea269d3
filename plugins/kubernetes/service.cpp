#include "plugins/kubernetes/service.h"

#include <tuple>

#include "plugins/address.h"
#include "plugins/kubernetes/pod.h"

namespace reconciler {

namespace {

// A Service has a handful of ports, a slice 1000 endpoints at most; more is not believed.
constexpr size_t most_ports = 256;
constexpr size_t most_endpoints = 4096;

uint16_t port_number(const cJSON* value) {
  const bool good = cJSON_IsNumber(value) && value->valuedouble >= 1 && value->valuedouble <= 65535;
  return good ? static_cast<uint16_t>(value->valuedouble) : uint16_t{0};
}

std::string protocol_of(const cJSON* port) {
  const std::string_view protocol = json::text(port, "protocol");
  return protocol.empty() ? "TCP" : std::string(protocol);
}

ServicePort read_service_port(const cJSON* json) {
  ServicePort port;
  port.name = json::text(json, "name");
  port.protocol = protocol_of(json);
  port.port = port_number(json::member(json, "port"));
  const cJSON* target = json::member(json, "targetPort");
  port.target_name = json::text(target);
  port.target = port_number(target);
  if (port.target == 0 && port.target_name.empty()) port.target = port.port;
  port.app_protocol = json::text(json, "appProtocol");
  return port;
}

// An endpoint's addresses mean the same instance; each is told of alone, so that a second one is seen.
void read_endpoint(const cJSON* json, std::vector<SliceEndpoint>& endpoints) {
  SliceEndpoint endpoint;
  endpoint.ready = cJSON_IsFalse(json::member(json::member(json, "conditions"), "ready")) == 0;
  const cJSON* pod = json::member(json, "targetRef");
  if (json::text(pod, "kind") == "Pod") {
    endpoint.pod = json::text(pod, "name");
    endpoint.pod_uid = json::text(pod, "uid");
  }
  endpoint.node = json::text(json, "nodeName");
  endpoint.zone = json::text(json, "zone");
  const cJSON* topology = json::member(json, "topology");  // v1beta1
  if (endpoint.node.empty()) endpoint.node = json::text(topology, "kubernetes.io/hostname");
  if (endpoint.zone.empty()) endpoint.zone = json::text(topology, "topology.kubernetes.io/zone");
  const cJSON* address = nullptr;
  cJSON_ArrayForEach(address, json::member(json, "addresses")) {
    if (endpoints.size() == most_endpoints) return;
    endpoint.address = canonical_host(json::text(address));
    endpoints.push_back(endpoint);
  }
}

}  // namespace

Result<Service> read_service(const cJSON* json) {
  const cJSON* metadata = json::member(json, "metadata");
  const cJSON* spec = json::member(json, "spec");
  Service service;
  if (!read_metadata(metadata, service)) return Error("a Service without name or uid");
  service.is_external_name = json::text(spec, "type") == "ExternalName";
  const cJSON* term = nullptr;
  cJSON_ArrayForEach(term, json::member(spec, "selector")) {
    if (term->string != nullptr) service.selector[term->string] = json::text(term);
  }
  const cJSON* port = nullptr;
  cJSON_ArrayForEach(port, json::member(spec, "ports")) {
    if (service.ports.size() == most_ports) break;
    service.ports.push_back(read_service_port(port));
  }
  const cJSON* family = nullptr;
  cJSON_ArrayForEach(family, json::member(spec, "ipFamilies")) {
    service.families.emplace_back(json::text(family));
  }
  service.selector_manager = manager_of(metadata, {"spec", "selector", pod_name_label});
  return service;
}

bool decides_the_same(const Service& a, const Service& b) {
  const auto key = [](const Service& service) {
    return std::tie(service.uid, service.has_annotations, service.stamp.state, service.stamp.text,
                    service.is_external_name, service.selector, service.ports, service.families);
  };
  return key(a) == key(b) && a.paused() == b.paused();
}

void note_move(ObjectChange& change, const Service& before, const Service& after) {
  if (before.uid != after.uid || before.stamp.text != after.stamp.text ||
      before.selector == after.selector) {
    return;
  }
  change.moved = after.name;
  change.moved_by = after.selector_manager;
}

std::optional<std::string_view> label_of(const Slice& slice, std::string_view key) {
  if (key != service_name_label || slice.service.empty()) return std::nullopt;
  return slice.service;
}

Result<Slice> read_slice(const cJSON* json) {
  const cJSON* metadata = json::member(json, "metadata");
  Slice slice;
  if (!read_metadata(metadata, slice)) return Error("an EndpointSlice without name or uid");
  const cJSON* labels = json::member(metadata, "labels");
  slice.service = json::text(labels, service_name_label);
  slice.managed_by = json::text(labels, managed_by_label);
  const cJSON* owner = nullptr;
  cJSON_ArrayForEach(owner, json::member(metadata, "ownerReferences")) {
    if (json::text(owner, "kind") == "Service") slice.owner_uid = json::text(owner, "uid");
  }
  slice.content.address_type = json::text(json, "addressType");
  const cJSON* endpoint = nullptr;
  cJSON_ArrayForEach(endpoint, json::member(json, "endpoints")) {
    read_endpoint(endpoint, slice.content.endpoints);
  }
  const cJSON* port = nullptr;
  cJSON_ArrayForEach(port, json::member(json, "ports")) {
    if (slice.content.ports.size() == most_ports) break;
    slice.content.ports.push_back({std::string(json::text(port, "name")), protocol_of(port),
                                   port_number(json::member(port, "port")),
                                   std::string(json::text(port, "appProtocol"))});
  }
  slice.manager = manager_of(metadata, {"endpoints"});
  return slice;
}

bool decides_the_same(const Slice& a, const Slice& b) {
  const auto key = [](const Slice& slice) {
    return std::tie(slice.uid, slice.has_annotations, slice.stamp.state, slice.stamp.text,
                    slice.service, slice.managed_by, slice.owner_uid);
  };
  return key(a) == key(b) && a.content == b.content;
}

void note_move(ObjectChange& change, const Slice& before, const Slice& after) {
  if (before.uid != after.uid || before.stamp.text != after.stamp.text ||
      before.content == after.content) {
    return;
  }
  change.moved = after.name;
  change.moved_by = after.manager;
}

}  // namespace reconciler
