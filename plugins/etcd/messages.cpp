#include "plugins/etcd/messages.h"

#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/json.h"
#include "plugins/http/base64.h"
#include "plugins/http/quote.h"

namespace reconciler::etcd {

namespace {

constexpr int unauthorized = 401;

// Zero is left out by the gateway.
std::optional<uint64_t> number(const cJSON* object, const char* name) {
  if (json::member(object, name) == nullptr) return 0;
  const std::string_view text = json::text(object, name);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Every answer of etcd has a header; whatever lacks it is somebody else's.
Result<json::Document> parsed(std::string_view body) {
  json::Document json = json::parse(body);
  if (!cJSON_IsObject(json::member(json.get(), "header")))
    return Error("an answer that is not etcd's");
  return json;
}

}  // namespace

std::string range_of(const std::string& key) {
  return json::printed(json::object({{"key", to_base64(key)}}).get());
}

Result<Read> read_range(std::string_view body) {
  const Result<json::Document> json = parsed(body);
  if (!json) return json.error();
  const cJSON* found = cJSON_GetArrayItem(json::member(json->get(), "kvs"), 0);
  if (found == nullptr) return Read{};
  const std::optional<uint64_t> revision = number(found, "mod_revision");
  const std::optional<uint64_t> lease = number(found, "lease");
  std::optional<std::string> value = from_base64(json::text(found, "value"));
  if (!revision || *revision == 0 || !lease || !value) return Error("a key that can't be read");
  return Read{{std::move(*value), *revision, true}, *lease};
}

std::string put_where(const std::string& key, uint64_t mod_revision, const std::string& value,
                      uint64_t lease) {
  const std::string coded = to_base64(key);
  const json::Document json(cJSON_CreateObject());
  cJSON_AddItemToArray(cJSON_AddArrayToObject(json.get(), "compare"),
                       json::object({{"key", coded},
                                     {"target", "MOD"},
                                     {"result", "EQUAL"},
                                     {"mod_revision", std::to_string(mod_revision)}})
                           .release());
  cJSON* operation = cJSON_CreateObject();
  cJSON_AddItemToObject(
      operation, "request_put",
      json::object({{"key", coded}, {"value", to_base64(value)}, {"lease", std::to_string(lease)}})
          .release());
  cJSON_AddItemToArray(cJSON_AddArrayToObject(json.get(), "success"), operation);
  return json::printed(json.get());
}

Result<bool> read_txn(std::string_view body) {
  const Result<json::Document> json = parsed(body);
  if (!json) return json.error();
  return static_cast<bool>(cJSON_IsTrue(json::member(json->get(), "succeeded")));
}

std::string authenticate_as(const std::string& user, const std::string& password) {
  return json::printed(json::object({{"name", user}, {"password", password}}).get());
}

Result<std::string> read_token(std::string_view body) {
  const Result<json::Document> json = parsed(body);
  if (!json) return json.error();
  std::string token(json::text(json->get(), "token"));
  if (token.empty() || token.find_first_of("\r\n") != std::string::npos) {
    return Error("an answer without token");
  }
  return token;
}

std::string grant_for(uint64_t seconds, uint64_t lease) {
  return json::printed(
      json::object({{"TTL", std::to_string(seconds)}, {"ID", std::to_string(lease)}}).get());
}

Result<uint64_t> read_lease(std::string_view body) {
  const Result<json::Document> json = parsed(body);
  if (!json) return json.error();
  const std::optional<uint64_t> lease = number(json->get(), "ID");
  if (!lease || *lease == 0) return Error("an answer without lease");
  return *lease;
}

std::string keep_alive(uint64_t lease) {
  return json::printed(json::object({{"ID", std::to_string(lease)}}).get());
}

// A stream of which the first object is read.
Result<uint64_t> read_seconds(std::string_view body) {
  const json::Document json = json::parse(body.substr(0, body.find('\n')));
  const cJSON* result = json::member(json.get(), "result");
  const std::optional<uint64_t> ttl = number(result, "TTL");
  if (result == nullptr || !ttl) return Error("an answer that is not etcd's");
  return *ttl;
}

Refusal read_refusal(int status, std::string_view body) {
  const json::Document json = json::parse(body);
  std::string_view text = json::text(json.get(), "error");
  if (text.empty()) text = body;
  // The second one, of a JSON web token, has status 400, like other mistakes.
  const bool is_of_token =
      status == unauthorized || text.find("revision of auth store is old") != std::string::npos;
  return {fmt::format("HTTP {}: {}", status, quote(text)), is_of_token};
}

}  // namespace reconciler::etcd
