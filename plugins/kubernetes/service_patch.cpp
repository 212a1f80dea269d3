#include "plugins/kubernetes/service_patch.h"

#include <algorithm>
#include <new>

#include "plugins/kubernetes/patch_document.h"
#include "plugins/kubernetes/pod.h"

namespace reconciler {

namespace {

cJSON* checked(cJSON* json) {
  if (json == nullptr) throw std::bad_alloc();
  return json;
}

void put(cJSON* object, const char* key, const std::string& value) {
  cJSON_AddStringToObject(object, key, value.c_str());
}
void put_if_any(cJSON* object, const char* key, const std::string& value) {
  if (!value.empty()) put(object, key, value);
}
cJSON* put_object(cJSON* object, const char* key) {
  return checked(cJSON_AddObjectToObject(object, key));
}

cJSON* conditions_json(bool ready, SliceVersion version) {
  cJSON* conditions = checked(cJSON_CreateObject());
  cJSON_AddBoolToObject(conditions, "ready", ready);
  if (version == SliceVersion::v1) {
    cJSON_AddBoolToObject(conditions, "serving", ready);
    cJSON_AddBoolToObject(conditions, "terminating", false);
  }
  return conditions;
}

cJSON* endpoint_json(const SliceEndpoint& endpoint, SliceVersion version) {
  cJSON* json = checked(cJSON_CreateObject());
  cJSON* addresses = checked(cJSON_AddArrayToObject(json, "addresses"));
  cJSON_AddItemToArray(addresses, cJSON_CreateString(endpoint.address.c_str()));
  cJSON_AddItemToObject(json, "conditions", conditions_json(endpoint.ready, version));
  if (!endpoint.pod.empty()) {
    cJSON* target = put_object(json, "targetRef");
    put(target, "kind", "Pod");
    put(target, "name", endpoint.pod);
    put(target, "uid", endpoint.pod_uid);
  }
  if (version == SliceVersion::v1) {
    put_if_any(json, "nodeName", endpoint.node);
    put_if_any(json, "zone", endpoint.zone);
  } else if (!endpoint.node.empty() || !endpoint.zone.empty()) {
    // `nodeName` came into v1beta1 late, and behind a feature gate: the server may drop it.
    cJSON* topology = put_object(json, "topology");
    put_if_any(topology, "kubernetes.io/hostname", endpoint.node);
    put_if_any(topology, "topology.kubernetes.io/zone", endpoint.zone);
  }
  return json;
}

cJSON* endpoints_json(const SliceContent& content, SliceVersion version) {
  cJSON* endpoints = checked(cJSON_CreateArray());
  for (const SliceEndpoint& endpoint : content.endpoints) {
    cJSON_AddItemToArray(endpoints, endpoint_json(endpoint, version));
  }
  return endpoints;
}

cJSON* ports_json(const SliceContent& content) {
  cJSON* ports = checked(cJSON_CreateArray());
  for (const SlicePort& port : content.ports) {
    cJSON* json = checked(cJSON_CreateObject());
    put(json, "name", port.name);
    put(json, "protocol", port.protocol);
    cJSON_AddNumberToObject(json, "port", port.number);
    put_if_any(json, "appProtocol", port.app_protocol);
    cJSON_AddItemToArray(ports, json);
  }
  return ports;
}

// Without blockOwnerDeletion, for which one needs a right on the Service's finalizers.
cJSON* owners_json(const Service& service) {
  cJSON* owners = checked(cJSON_CreateArray());
  cJSON* owner = checked(cJSON_CreateObject());
  put(owner, "apiVersion", "v1");
  put(owner, "kind", "Service");
  put(owner, "name", service.name);
  put(owner, "uid", service.uid);
  cJSON_AddBoolToObject(owner, "controller", true);
  cJSON_AddItemToArray(owners, owner);
  return owners;
}

}  // namespace

const char* text_of(SliceVersion version) { return version == SliceVersion::v1 ? "v1" : "v1beta1"; }

std::string new_slice(const std::string& name, const Service& service, const SliceContent& content,
                      const Stamp& stamp, SliceVersion version) {
  const json::Document slice(checked(cJSON_CreateObject()));
  put(slice.get(), "apiVersion", std::string("discovery.k8s.io/") + text_of(version));
  put(slice.get(), "kind", "EndpointSlice");
  cJSON* metadata = put_object(slice.get(), "metadata");
  put(metadata, "name", name);
  cJSON* labels = put_object(metadata, "labels");
  put(labels, service_name_label, service.name);
  put(labels, managed_by_label, managed_by_us);
  put(put_object(metadata, "annotations"), stamp_annotation, format_stamp(stamp));
  cJSON_AddItemToObject(metadata, "ownerReferences", owners_json(service));
  put(slice.get(), "addressType", content.address_type);
  cJSON_AddItemToObject(slice.get(), "endpoints", endpoints_json(content, version));
  cJSON_AddItemToObject(slice.get(), "ports", ports_json(content));
  return json::printed(slice.get());
}

std::string slice_patch(const Slice& seen, const Service& service, const SliceContent& content,
                        const Stamp& stamp, SliceVersion version) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  patch.add("add", "/endpoints", endpoints_json(content, version));
  patch.add("add", "/ports", ports_json(content));
  if (!seen.has_labels) patch.add("add", "/metadata/labels", checked(cJSON_CreateObject()));
  if (seen.service != service.name) {
    patch.write_below(true, "/metadata/labels", service_name_label, service.name);
  }
  if (seen.managed_by != managed_by_us) {
    patch.write_below(true, "/metadata/labels", managed_by_label, managed_by_us);
  }
  if (seen.owner_uid != service.uid) {
    patch.add("add", "/metadata/ownerReferences", owners_json(service));
  }
  patch.write_stamp(seen, stamp);
  return patch.str();
}

std::string selector_patch(const Service& seen, const std::string& pod_name, const Stamp& stamp) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  patch.require_pause_as_seen(seen);
  patch.write_below(true, "/spec/selector", pod_name_label, pod_name);
  patch.write_stamp(seen, stamp);
  return patch.str();
}

bool shows(const Slice& answer, const SliceContent& content, const Stamp& stamp) {
  const auto same_address = [](const SliceEndpoint& a, const SliceEndpoint& b) {
    return a.address == b.address && a.ready == b.ready;
  };
  return answer.stamp.text == format_stamp(stamp) &&
         answer.content.endpoints.size() == content.endpoints.size() &&
         std::is_permutation(answer.content.endpoints.begin(), answer.content.endpoints.end(),
                             content.endpoints.begin(), same_address);
}

bool shows(const Service& answer, const std::string& pod_name, const Stamp& stamp) {
  const auto says = answer.selector.find(pod_name_label);
  return answer.stamp.text == format_stamp(stamp) && says != answer.selector.end() &&
         says->second == pod_name;
}

}  // namespace reconciler
