// Services and EndpointSlices, as little of them as publishing needs, and how they are read. Pure; survives any JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/api_object.h"

namespace reconciler {

struct ServicePort {
  std::string name;  // empty where the Service has one port
  std::string protocol = "TCP";
  uint16_t port = 0;
  uint16_t target = 0;      // of the pods; 0: by `target_name`
  std::string target_name;  // of a container's port
  std::string app_protocol;

  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Service : ApiObject {
  bool is_external_name = false;
  std::map<std::string, std::string> selector;
  std::vector<ServicePort> ports;
  std::vector<std::string> families;  // `IPv4`, `IPv6`; empty where the server doesn't say
  std::string selector_manager;  // who wrote the pod's name there, where that is not us; else empty
};

// By none of them Services are selected here.
inline std::optional<std::string_view> label_of(const Service& /*service*/,
                                                std::string_view /*key*/) {
  return std::nullopt;
}
Result<Service> read_service(const cJSON* json);
bool decides_the_same(const Service& a, const Service& b);
void note_move(ObjectChange& change, const Service& before, const Service& after);

struct SlicePort {
  std::string name;
  std::string protocol = "TCP";
  uint16_t number = 0;
  std::string app_protocol;

  friend bool operator==(const SlicePort&, const SlicePort&) = default;
};

struct SliceEndpoint {
  std::string address;
  bool ready = true;
  std::string pod;  // name and uid are empty where no pod is named
  std::string pod_uid;
  std::string node;
  std::string zone;

  friend bool operator==(const SliceEndpoint&, const SliceEndpoint&) = default;
};

// What a slice says.
struct SliceContent {
  std::string address_type;
  std::vector<SliceEndpoint> endpoints;  // one for each address
  std::vector<SlicePort> ports;

  friend bool operator==(const SliceContent&, const SliceContent&) = default;
};

inline constexpr char service_name_label[] = "kubernetes.io/service-name";
inline constexpr char managed_by_label[] = "endpointslice.kubernetes.io/managed-by";
inline constexpr char managed_by_us[] = "valkey-reconciler.io";

struct Slice : ApiObject {
  std::string service;  // by its label
  std::string managed_by;
  std::string owner_uid;  // of the Service with which it goes; empty: none
  SliceContent content;
  std::string manager;  // who wrote the endpoints, where that is not us; else empty
};

// Of those by which slices are selected.
std::optional<std::string_view> label_of(const Slice& slice, std::string_view key);
Result<Slice> read_slice(const cJSON* json);
bool decides_the_same(const Slice& a, const Slice& b);
void note_move(ObjectChange& change, const Slice& before, const Slice& after);

}  // namespace reconciler
