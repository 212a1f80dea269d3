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
  object.name = text_member(metadata, "name");
  object.uid = text_member(metadata, "uid");
  if (object.name.empty() || object.uid.empty()) return false;
  object.version = version_number(text_member(metadata, "resourceVersion"));
  object.has_labels = cJSON_IsObject(member(metadata, "labels"));
  const cJSON* annotations = member(metadata, "annotations");
  object.has_annotations = cJSON_IsObject(annotations);
  const cJSON* stamp = member(annotations, stamp_annotation);
  if (cJSON_IsString(stamp)) object.stamp = read_stamp(std::string(text_of(stamp)));
  const cJSON* pause = member(annotations, pause_annotation);
  if (cJSON_IsString(pause)) object.pause = std::string(text_of(pause));
  return true;
}

std::string manager_of(const cJSON* metadata, const std::vector<std::string>& path) {
  std::string manager;
  const cJSON* entry = nullptr;
  cJSON_ArrayForEach(entry, member(metadata, "managedFields")) {
    const cJSON* field = member(entry, "fieldsV1");
    for (const std::string& step : path) field = member(field, ("f:" + step).c_str());
    if (field == nullptr) continue;
    if (text_member(entry, "manager") != field_manager) manager = text_member(entry, "manager");
  }
  return manager;
}

}  // namespace reconciler
