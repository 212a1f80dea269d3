#include "plugins/kubernetes/patch_document.h"

#include <new>

#include "plugins/kubernetes/pause.h"

namespace reconciler {

PatchDocument::PatchDocument() : operations_(cJSON_CreateArray()) {
  if (!operations_) throw std::bad_alloc();
}

cJSON* PatchDocument::start(const char* operation, const std::string& path) {
  cJSON* entry = cJSON_CreateObject();
  if (entry == nullptr) throw std::bad_alloc();
  cJSON_AddItemToArray(operations_.get(), entry);
  cJSON_AddStringToObject(entry, "op", operation);
  cJSON_AddStringToObject(entry, "path", path.c_str());
  return entry;
}

void PatchDocument::add(const char* operation, const std::string& path, cJSON* value) {
  cJSON* entry = start(operation, path);
  cJSON_AddItemToObject(entry, "value", value);
}

void PatchDocument::text(const char* operation, const std::string& path, const std::string& value) {
  add(operation, path, cJSON_CreateString(value.c_str()));
}

void PatchDocument::test_absent(const std::string& path) { add("test", path, cJSON_CreateNull()); }

void PatchDocument::remove(const std::string& path) { start("remove", path); }

std::string PatchDocument::str() const { return json::printed(operations_.get()); }

void PatchDocument::write_below(bool has_parent, const std::string& parent, const std::string& key,
                                const std::string& value) {
  if (has_parent) {
    text("add", parent + "/" + pointer_step(key), value);
    return;
  }
  cJSON* object = cJSON_CreateObject();
  if (object == nullptr) throw std::bad_alloc();
  cJSON_AddStringToObject(object, key.c_str(), value.c_str());
  add("add", parent, object);
}

void PatchDocument::require_as_seen(const ApiObject& seen) {
  text("test", "/metadata/uid", seen.uid);
  if (!seen.has_annotations) {
    test_absent("/metadata/annotations");
  } else if (seen.stamp.state == StampReading::State::absent) {
    test_absent("/metadata/annotations/" + pointer_step(stamp_annotation));
  } else {
    text("test", "/metadata/annotations/" + pointer_step(stamp_annotation), seen.stamp.text);
  }
}

void PatchDocument::require_pause_as_seen(const ApiObject& seen) {
  if (!seen.has_annotations) return;
  const std::string path = "/metadata/annotations/" + pointer_step(pause_annotation);
  if (seen.pause) {
    text("test", path, *seen.pause);
  } else {
    test_absent(path);
  }
}

void PatchDocument::write_stamp(const ApiObject& seen, const Stamp& stamp) {
  write_below(seen.has_annotations, "/metadata/annotations", stamp_annotation, format_stamp(stamp));
}

std::string pointer_step(std::string_view key) {
  std::string step;
  for (const char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

}  // namespace reconciler
