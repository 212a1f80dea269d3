#include "plugins/consul/messages.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/json.h"
#include "plugins/address.h"
#include "plugins/http/base64.h"
#include "plugins/http/quote.h"
#include "plugins/http/url_path.h"

namespace reconciler::consul {

namespace {

constexpr int ok = 200;
constexpr int not_found = 404;
constexpr int conflict = 409;

// A `/` would end the segment of a path.
std::string segment(const std::string& text) {
  std::string path = url_path(text);
  for (size_t at = 0; (at = path.find('/', at)) != std::string::npos; at += 3) {
    path.replace(at, 1, "%2F");
  }
  return path;
}

std::string in_datacenter(const std::string& path, const std::string& datacenter) {
  return datacenter.empty()
             ? path
             : fmt::format("{}{}dc={}", path, path.find('?') == std::string::npos ? '?' : '&',
                           segment(datacenter));
}

Error refusal(int status, std::string_view body) {
  return Error(fmt::format("HTTP {}: {}", status, quote(body)));
}

void add_operation(cJSON* list, const char* kind, json::Document what) {
  cJSON* operation = cJSON_CreateObject();
  cJSON_AddItemToObject(operation, kind, what.release());
  cJSON_AddItemToArray(list, operation);
}

json::Document compare_and_set(const std::string& key, uint64_t index, const std::string& value) {
  json::Document json = json::object({{"Verb", "cas"}, {"Key", key}, {"Value", to_base64(value)}});
  cJSON_AddNumberToObject(json.get(), "Index", static_cast<double>(index));
  return json;
}

}  // namespace

std::string read_path(const std::string& key, const std::string& datacenter) {
  return in_datacenter("/v1/kv/" + url_path(key) + "?consistent", datacenter);
}

std::string write_path(const std::string& key, const std::string& datacenter, uint64_t index) {
  return in_datacenter(fmt::format("/v1/kv/{}?cas={}", url_path(key), index), datacenter);
}

std::string service_path(const Registration& registration, const std::string& datacenter) {
  return in_datacenter("/v1/catalog/service/" + segment(registration.service) + "?consistent",
                       datacenter);
}

std::string transaction_path(const std::string& datacenter) {
  return in_datacenter("/v1/txn", datacenter);
}

Result<Stored> read_key(int status, std::string_view body) {
  if (status == not_found && body.empty()) return Stored{};
  if (status != ok) return refusal(status, body);
  const json::Document json = json::parse(body);
  const cJSON* found = cJSON_GetArrayItem(json.get(), 0);
  const cJSON* index = json::member(found, "ModifyIndex");
  if (!cJSON_IsNumber(index) || !(index->valuedouble >= 1)) {
    return Error("an answer that is not Consul's");
  }
  std::optional<std::string> value = from_base64(json::text(found, "Value"));  // null: empty
  if (!value) return Error("a value that can't be read");
  return Stored{std::move(*value), static_cast<uint64_t>(index->valuedouble), true};
}

Result<bool> read_written(int status, std::string_view body) {
  if (status != ok) return refusal(status, body);
  const json::Document json = json::parse(body);
  if (!cJSON_IsBool(json.get())) return Error("an answer that is not Consul's");
  return static_cast<bool>(cJSON_IsTrue(json.get()));
}

std::string transaction(const std::string& key, uint64_t index, const std::string& value,
                        const Registration& registration, const std::string& host, uint16_t port) {
  const json::Document list(cJSON_CreateArray());
  add_operation(list.get(), "KV", compare_and_set(key, index, value));

  json::Document node = json::object({{"Verb", "set"}});
  json::Document node_fields = json::object({{"Node", registration.node}, {"Address", host}});
  cJSON_AddItemToObject(node.get(), "Node", node_fields.release());
  add_operation(list.get(), "Node", std::move(node));

  json::Document service = json::object({{"Verb", "set"}, {"Node", registration.node}});
  json::Document service_fields = json::object(
      {{"ID", registration.service}, {"Service", registration.service}, {"Address", host}});
  cJSON_AddNumberToObject(service_fields.get(), "Port", port);
  cJSON* tags = cJSON_AddArrayToObject(service_fields.get(), "Tags");
  cJSON_AddItemToArray(tags, cJSON_CreateString(registration.tag.c_str()));
  cJSON_AddItemToObject(service.get(), "Service", service_fields.release());
  add_operation(list.get(), "Service", std::move(service));
  return json::printed(list.get());
}

std::string withdrawal(const std::string& key, uint64_t index, const std::string& value,
                       const Registration& registration) {
  const json::Document list(cJSON_CreateArray());
  add_operation(list.get(), "KV", compare_and_set(key, index, value));
  json::Document service = json::object({{"Verb", "delete"}, {"Node", registration.node}});
  cJSON_AddItemToObject(
      service.get(), "Service",
      json::object({{"ID", registration.service}, {"Service", registration.service}}).release());
  add_operation(list.get(), "Service", std::move(service));
  return json::printed(list.get());
}

Result<bool> read_transaction(int status, std::string_view body) {
  const json::Document json = json::parse(body);
  if (status == ok) {
    if (json::member(json.get(), "Results") == nullptr)
      return Error("an answer that is not Consul's");
    return true;
  }
  const cJSON* error = cJSON_GetArrayItem(json::member(json.get(), "Errors"), 0);
  const std::string_view what = json::text(error, "What");
  if (status != conflict || what.empty()) return refusal(status, body);
  if (what.find("index is stale") != std::string_view::npos) return false;
  return Error(fmt::format("HTTP {}: {}", status, quote(what)));
}

Result<Registered> read_service(int status, std::string_view body,
                                const Registration& registration) {
  if (status != ok) return refusal(status, body);
  const json::Document json = json::parse(body);
  if (!cJSON_IsArray(json.get())) return Error("an answer that is not Consul's");
  Registered found;
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, json.get()) {
    if (json::text(entry, "Node") != registration.node ||
        json::text(entry, "ServiceID") != registration.service) {
      continue;
    }
    const cJSON* port = json::member(entry, "ServicePort");
    const cJSON* tags = json::member(entry, "ServiceTags");
    const double number = cJSON_IsNumber(port) ? port->valuedouble : 0;
    found.is_there = true;
    found.address = host_and_port(canonical_host(json::text(entry, "ServiceAddress")),
                                  static_cast<uint16_t>(std::clamp(number, 0.0, 65535.0)));
    found.has_tag = cJSON_GetArraySize(tags) == 1 &&
                    json::text(cJSON_GetArrayItem(tags, 0)) == registration.tag;
  }
  return found;
}

bool agrees(const Registered& registered, const HeldDecision& held) {
  if (!held.known) return !registered.is_there;
  return registered.is_there && registered.has_tag && registered.address == held.primary;
}

}  // namespace reconciler::consul
