// The little of an API server that the protocol stands on: pods in memory, JSON Patch with `test`, versions, a history
// to watch. For the simulation of many writers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "plugins/kubernetes/pod.h"

namespace reconciler {

class JsonPatchServer {
 public:
  explicit JsonPatchServer(LabelRule rule) : rule_(std::move(rule)) {}

  struct Event {
    Pod pod;
    bool removed = false;
  };

  void create(const std::string& name, const std::string& address) {
    const std::string text = R"({"metadata":{"name":")" + name + R"(","uid":"uid-)" +
                             std::to_string(++uids_) + R"(","labels":{"app":"valkey"}},)" +
                             R"("spec":{},"status":{"podIP":")" + address + R"("}})";
    pods_[name] = json::parse(text);
    changed(name);
  }

  // The first half of a deletion: what is written from now on is answered, and not kept.
  void begin_removal(const std::string& name) {
    cJSON* metadata = cJSON_GetObjectItem(pods_.at(name).get(), "metadata");
    cJSON_AddStringToObject(metadata, "deletionTimestamp", "2026-01-01T00:00:00Z");
    cJSON_AddNumberToObject(metadata, "deletionGracePeriodSeconds", 0);
    changed(name);
  }
  void remove(const std::string& name) {
    Pod gone = pod(name);
    gone.version = ++version_;
    history_.push_back({std::move(gone), true});
    pods_.erase(name);
  }
  bool has(const std::string& name) const { return pods_.contains(name); }

  void wipe_label(const std::string& name) {
    cJSON_DeleteItemFromObjectCaseSensitive(labels(name), rule_.name.c_str());
    changed(name);
  }
  void set_label(const std::string& name) {
    wipe_label(name);
    cJSON_AddStringToObject(labels(name), rule_.name.c_str(), rule_.value.c_str());
    changed(name);
  }

  // The answer; nothing: a precondition failed, and nothing was changed.
  std::optional<Pod> patch(const std::string& name, const std::string& body) {
    if (!has(name)) return std::nullopt;
    json::Document copy(cJSON_Duplicate(pods_.at(name).get(), 1));
    const json::Document operations = json::parse(body);
    const cJSON* operation = nullptr;
    cJSON_ArrayForEach(operation, operations.get()) {
      if (!apply(copy.get(), operation)) return std::nullopt;
    }
    if (pod(name).vanishing) return *read_pod(copy.get(), rule_);
    pods_[name] = std::move(copy);
    changed(name);
    return pod(name);
  }

  Pod pod(const std::string& name) const { return *read_pod(pods_.at(name).get(), rule_); }
  std::vector<Pod> list() const {
    std::vector<Pod> all;
    for (const auto& [name, json] : pods_) all.push_back(*read_pod(json.get(), rule_));
    return all;
  }
  size_t labelled() const {
    size_t count = 0;
    for (const Pod& each : list()) count += each.carries(rule_) ? 1u : 0u;
    return count;
  }
  const std::vector<Event>& history() const { return history_; }
  uint64_t version() const { return version_; }

 private:
  cJSON* labels(const std::string& name) {
    return cJSON_GetObjectItem(cJSON_GetObjectItem(pods_.at(name).get(), "metadata"), "labels");
  }

  void changed(const std::string& name) {
    cJSON* metadata = cJSON_GetObjectItem(pods_.at(name).get(), "metadata");
    cJSON_DeleteItemFromObject(metadata, "resourceVersion");
    cJSON_AddStringToObject(metadata, "resourceVersion", std::to_string(++version_).c_str());
    history_.push_back({pod(name), false});
  }

  // As the API server's library does it: a `test` for null passes where the key is absent but its parent is there.
  static bool apply(cJSON* document, const cJSON* operation) {
    std::string_view path = json::text(operation, "path");
    cJSON* parent = document;
    std::string key;
    while (!path.empty()) {
      path.remove_prefix(1);
      const size_t slash = path.find('/');
      if (!key.empty()) parent = cJSON_GetObjectItemCaseSensitive(parent, key.c_str());
      if (parent == nullptr) return false;
      key = unescaped(path.substr(0, slash));
      path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
    }
    const cJSON* there = cJSON_GetObjectItemCaseSensitive(parent, key.c_str());
    const cJSON* value = cJSON_GetObjectItemCaseSensitive(operation, "value");
    const std::string_view what = json::text(operation, "op");
    if (what == "test") {
      if (cJSON_IsNull(value)) return there == nullptr;
      return there != nullptr && cJSON_Compare(there, value, 1) != 0;
    }
    if (what == "remove" && there == nullptr) return false;
    cJSON_DeleteItemFromObjectCaseSensitive(parent, key.c_str());
    if (what == "add") cJSON_AddItemToObject(parent, key.c_str(), cJSON_Duplicate(value, 1));
    return true;
  }

  static std::string unescaped(std::string_view step) {
    std::string out;
    for (size_t i = 0; i < step.size(); ++i) {
      const bool escape = step[i] == '~' && i + 1 < step.size();
      out += !escape ? step[i] : step[i + 1] == '1' ? '/' : '~';
      if (escape) ++i;
    }
    return out;
  }

  LabelRule rule_;
  std::map<std::string, json::Document> pods_;
  std::vector<Event> history_;
  uint64_t version_ = 0;
  uint64_t uids_ = 0;
};

}  // namespace reconciler
