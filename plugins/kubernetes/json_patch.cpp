#include "plugins/kubernetes/json_patch.h"

#include <cstdlib>
#include <new>

#include "plugins/kubernetes/json.h"

namespace reconciler {

namespace {

class Patch {
 public:
  Patch() : operations_(cJSON_CreateArray()) {
    if (!operations_) throw std::bad_alloc();
  }

  // `value` null: JSON's null, which a `test` takes for absence.
  void add(const char* operation, const std::string& path, cJSON* value) {
    cJSON* entry = start(operation, path);
    cJSON_AddItemToObject(entry, "value", value);
  }
  void text(const char* operation, const std::string& path, const std::string& value) {
    add(operation, path, cJSON_CreateString(value.c_str()));
  }
  void test_absent(const std::string& path) { add("test", path, cJSON_CreateNull()); }
  void remove(const std::string& path) { start("remove", path); }

  std::string str() const {
    char* printed = cJSON_PrintUnformatted(operations_.get());
    if (printed == nullptr) throw std::bad_alloc();
    std::string text(printed);
    cJSON_free(printed);
    return text;
  }

 private:
  cJSON* start(const char* operation, const std::string& path) {
    cJSON* entry = cJSON_CreateObject();
    if (entry == nullptr) throw std::bad_alloc();
    cJSON_AddItemToArray(operations_.get(), entry);
    cJSON_AddStringToObject(entry, "op", operation);
    cJSON_AddStringToObject(entry, "path", path.c_str());
    return entry;
  }

  Json operations_;
};

std::string label_path(const std::string& name) { return "/metadata/labels/" + pointer_step(name); }

// Where the parent object is absent, a path below it can be neither tested nor written: the parent is.
void write_below(Patch& patch, bool has_parent, const std::string& parent, const std::string& key,
                 const std::string& value) {
  if (has_parent) {
    patch.text("add", parent + "/" + pointer_step(key), value);
    return;
  }
  cJSON* object = cJSON_CreateObject();
  if (object == nullptr) throw std::bad_alloc();
  cJSON_AddStringToObject(object, key.c_str(), value.c_str());
  patch.add("add", parent, object);
}

void write_replica_label(Patch& patch, bool has_labels, const LabelRule& rule, bool is_replica) {
  const std::optional<std::string> value = rule.replica.value_for(is_replica);
  const std::string path = label_path(rule.replica.name);
  if (value) {
    write_below(patch, has_labels, "/metadata/labels", rule.replica.name, *value);
  } else if (has_labels) {
    // Where it is absent `remove` alone would fail, and with it all else that is in the patch.
    patch.text("add", path, "");
    patch.remove(path);
  }
}

void require_as_seen(Patch& patch, const Pod& seen) {
  patch.text("test", "/metadata/uid", seen.uid);
  if (!seen.has_annotations) {
    patch.test_absent("/metadata/annotations");
  } else if (seen.stamp.state == StampReading::State::absent) {
    patch.test_absent("/metadata/annotations/" + pointer_step(stamp_annotation));
  } else {
    patch.text("test", "/metadata/annotations/" + pointer_step(stamp_annotation), seen.stamp.text);
  }
}

void write_stamp(Patch& patch, const Pod& seen, const Stamp& stamp) {
  write_below(patch, seen.has_annotations, "/metadata/annotations", stamp_annotation,
              format_stamp(stamp));
}

}  // namespace

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

std::string fence_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule,
                        bool is_replica) {
  Patch patch;
  require_as_seen(patch, seen);
  if (rule.is_shared()) {
    // Fails where it is gone: somebody else took the token. Any other value is no token, and is replaced.
    if (seen.carries(rule)) patch.text("test", label_path(rule.name), rule.value);
  } else if (seen.label) {
    patch.remove(label_path(rule.name));  // the same
  } else if (seen.has_labels) {
    // A label that was set by hand in between must not survive a fence.
    patch.test_absent(label_path(rule.name));
  }
  if (!seen.has_labels) patch.test_absent("/metadata/labels");
  if (rule.marks_replicas()) write_replica_label(patch, seen.has_labels, rule, is_replica);
  write_stamp(patch, seen, stamp);
  return patch.str();
}

std::string promote_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  Patch patch;
  require_as_seen(patch, seen);
  if (!seen.has_labels) patch.test_absent("/metadata/labels");
  write_below(patch, seen.has_labels, "/metadata/labels", rule.name, rule.value);
  if (rule.marks_replicas() && !rule.is_shared()) write_replica_label(patch, true, rule, false);
  write_stamp(patch, seen, stamp);
  return patch.str();
}

std::string replica_patch(const Pod& seen, const LabelRule& rule, bool is_replica) {
  Patch patch;
  require_as_seen(patch, seen);
  const std::string path = label_path(rule.replica.name);
  if (!seen.has_labels) {
    patch.test_absent("/metadata/labels");
  } else if (rule.is_shared() && seen.label) {
    patch.text("test", path, *seen.label);  // or a primary's label that was set by hand would go
  } else if (rule.is_shared()) {
    patch.test_absent(path);
  }
  write_replica_label(patch, seen.has_labels, rule, is_replica);
  return patch.str();
}

bool shows(const Pod& answer, const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  const bool label_is_right = stamp.kind == StampKind::promoted
                                  ? answer.carries(rule)
                                  : !answer.label || (rule.is_shared() && !answer.carries(rule));
  return answer.uid == seen.uid && answer.stamp.text == format_stamp(stamp) && label_is_right;
}

}  // namespace reconciler
