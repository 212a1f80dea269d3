#include "plugins/kubernetes/api_object.h"

#include <charconv>

#include "plugins/kubernetes/pause.h"

namespace reconciler {

uint64_t version_number(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end ? number : 0;
}

bool read_metadata(const cJSON* metadata, ApiObject& object) {
  object.name = json::text(metadata, "name");
  object.uid = json::text(metadata, "uid");
  if (object.name.empty() || object.uid.empty()) return false;
  object.version = version_number(json::text(metadata, "resourceVersion"));
  object.has_labels = cJSON_IsObject(json::member(metadata, "labels"));
  const cJSON* annotations = json::member(metadata, "annotations");
  object.has_annotations = cJSON_IsObject(annotations);
  // With room for one also where there is none: it comes amid the requests of all groups, and what is kept of it would
  // hold their pages.
  std::string text;
  text.reserve(usual_stamp_size);
  if (const cJSON* stamp = json::member(annotations, stamp_annotation); cJSON_IsString(stamp)) {
    object.stamp = read_stamp(std::move(text.assign(json::text(stamp))));
  } else {
    object.stamp.text = std::move(text);
  }
  const cJSON* pause = json::member(annotations, pause_annotation);
  if (cJSON_IsString(pause)) object.pause = std::string(json::text(pause));
  return true;
}

std::string manager_of(const cJSON* metadata, const std::vector<std::string>& path) {
  std::string manager;
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, json::member(metadata, "managedFields")) {
    const cJSON* field = json::member(entry, "fieldsV1");
    for (const std::string& step : path) field = json::member(field, ("f:" + step).c_str());
    if (field == nullptr) continue;
    if (json::text(entry, "manager") != field_manager) manager = json::text(entry, "manager");
  }
  return manager;
}

}  // namespace reconciler
