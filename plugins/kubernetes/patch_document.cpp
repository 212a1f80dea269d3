#include "plugins/kubernetes/patch_document.h"

#include "common/text.h"
#include "plugins/kubernetes/pause.h"

namespace reconciler {

void PatchDocument::operation(const char* name, const std::string& path, const std::string& value) {
  if (!operations_.empty()) operations_ += ',';
  operations_ += R"({"op":")";
  operations_ += name;
  operations_ += R"(","path":)";
  operations_ += json_string(path);
  if (!value.empty()) {
    operations_ += R"(,"value":)";
    operations_ += value;
  }
  operations_ += '}';
}

void PatchDocument::add(const char* operation_name, const std::string& path, cJSON* value) {
  const json::Document owned(value);
  operation(operation_name, path, json::printed(value));
}

void PatchDocument::text(const char* operation_name, const std::string& path,
                         const std::string& value) {
  operation(operation_name, path, json_string(value));
}

void PatchDocument::test_absent(const std::string& path) { operation("test", path, "null"); }

void PatchDocument::remove(const std::string& path) { operation("remove", path, ""); }

void PatchDocument::write_below(bool has_parent, const std::string& parent, const std::string& key,
                                const std::string& value) {
  if (has_parent) {
    text("add", parent + "/" + pointer_step(key), value);
  } else {
    operation("add", parent, "{" + json_string(key) + ":" + json_string(value) + "}");
  }
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
