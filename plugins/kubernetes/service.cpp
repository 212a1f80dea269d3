#include "plugins/kubernetes/service.h"

#include <tuple>

#include "plugins/address.h"
#include "plugins/kubernetes/pause.h"
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
  const std::string_view protocol = text_member(port, "protocol");
  return protocol.empty() ? "TCP" : std::string(protocol);
}

ServicePort read_service_port(const cJSON* json) {
  ServicePort port;
  port.name = text_member(json, "name");
  port.protocol = protocol_of(json);
  port.port = port_number(member(json, "port"));
  const cJSON* target = member(json, "targetPort");
  port.target_name = text_of(target);
  port.target = port_number(target);
  if (port.target == 0 && port.target_name.empty()) port.target = port.port;
  port.app_protocol = text_member(json, "appProtocol");
  return port;
}

// An endpoint's addresses mean the same instance; each is told of alone, so that a second one is seen.
void read_endpoint(const cJSON* json, std::vector<SliceEndpoint>& endpoints) {
  SliceEndpoint endpoint;
  endpoint.ready = cJSON_IsFalse(member(member(json, "conditions"), "ready")) == 0;
  const cJSON* pod = member(json, "targetRef");
  if (text_member(pod, "kind") == "Pod") {
    endpoint.pod = text_member(pod, "name");
    endpoint.pod_uid = text_member(pod, "uid");
  }
  endpoint.node = text_member(json, "nodeName");
  endpoint.zone = text_member(json, "zone");
  const cJSON* topology = member(json, "topology");  // v1beta1
  if (endpoint.node.empty()) endpoint.node = text_member(topology, "kubernetes.io/hostname");
  if (endpoint.zone.empty()) endpoint.zone = text_member(topology, "topology.kubernetes.io/zone");
  const cJSON* address = nullptr;
  cJSON_ArrayForEach(address, member(json, "addresses")) {
    if (endpoints.size() == most_endpoints) return;
    endpoint.address = canonical_host(text_of(address));
    endpoints.push_back(endpoint);
  }
}

}  // namespace

Result<Service> read_service(const cJSON* json) {
  const cJSON* metadata = member(json, "metadata");
  const cJSON* spec = member(json, "spec");
  Service service;
  if (!read_metadata(metadata, service)) return Error("a Service without name or uid");
  service.paused = pause_reason(member(metadata, "annotations"));
  service.is_external_name = text_member(spec, "type") == "ExternalName";
  const cJSON* term = nullptr;
  cJSON_ArrayForEach(term, member(spec, "selector")) {
    if (term->string != nullptr) service.selector[term->string] = text_of(term);
  }
  const cJSON* port = nullptr;
  cJSON_ArrayForEach(port, member(spec, "ports")) {
    if (service.ports.size() == most_ports) break;
    service.ports.push_back(read_service_port(port));
  }
  const cJSON* family = nullptr;
  cJSON_ArrayForEach(family, member(spec, "ipFamilies")) {
    service.families.emplace_back(text_of(family));
  }
  service.selector_manager = manager_of(metadata, {"spec", "selector", pod_name_label});
  return service;
}

bool decides_the_same(const Service& a, const Service& b) {
  const auto key = [](const Service& service) {
    return std::tie(service.uid, service.has_annotations, service.stamp.state, service.stamp.text,
                    service.is_external_name, service.selector, service.ports, service.families,
                    service.paused);
  };
  return key(a) == key(b);
}

void note_move(ObjectChange& change, const Service& before, const Service& after) {
  if (before.uid != after.uid || before.stamp.text != after.stamp.text ||
      before.selector == after.selector) {
    return;
  }
  change.moved = after.name;
  change.moved_by = after.selector_manager;
}

Result<Slice> read_slice(const cJSON* json) {
  const cJSON* metadata = member(json, "metadata");
  Slice slice;
  if (!read_metadata(metadata, slice)) return Error("an EndpointSlice without name or uid");
  const cJSON* labels = member(metadata, "labels");
  slice.service = text_member(labels, service_name_label);
  slice.managed_by = text_member(labels, managed_by_label);
  const cJSON* owner = nullptr;
  cJSON_ArrayForEach(owner, member(metadata, "ownerReferences")) {
    if (text_member(owner, "kind") == "Service") slice.owner_uid = text_member(owner, "uid");
  }
  slice.content.address_type = text_member(json, "addressType");
  const cJSON* endpoint = nullptr;
  cJSON_ArrayForEach(endpoint, member(json, "endpoints")) {
    read_endpoint(endpoint, slice.content.endpoints);
  }
  const cJSON* port = nullptr;
  cJSON_ArrayForEach(port, member(json, "ports")) {
    if (slice.content.ports.size() == most_ports) break;
    slice.content.ports.push_back({std::string(text_member(port, "name")), protocol_of(port),
                                   port_number(member(port, "port")),
                                   std::string(text_member(port, "appProtocol"))});
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
