#include "plugins/kubernetes/json_patch.h"

#include "plugins/kubernetes/patch_document.h"

namespace reconciler {

namespace {

std::string label_path(const std::string& name) { return "/metadata/labels/" + pointer_step(name); }

void write_replica_label(PatchDocument& patch, bool has_labels, const LabelRule& rule,
                         bool is_replica) {
  const std::optional<std::string> value = rule.replica.value_for(is_replica);
  const std::string path = label_path(rule.replica.name);
  if (value) {
    patch.write_below(has_labels, "/metadata/labels", rule.replica.name, *value);
  } else if (has_labels) {
    // Where it is absent `remove` alone would fail, and with it all else that is in the patch.
    patch.text("add", path, "");
    patch.remove(path);
  }
}

}  // namespace

std::string fence_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule,
                        bool is_replica) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  patch.require_pause_as_seen(seen);
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
  patch.write_stamp(seen, stamp);
  return patch.str();
}

std::string promote_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  patch.require_pause_as_seen(seen);
  if (!seen.has_labels) patch.test_absent("/metadata/labels");
  patch.write_below(seen.has_labels, "/metadata/labels", rule.name, rule.value);
  if (rule.marks_replicas() && !rule.is_shared()) write_replica_label(patch, true, rule, false);
  patch.write_stamp(seen, stamp);
  return patch.str();
}

std::string replica_patch(const Pod& seen, const LabelRule& rule, bool is_replica) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  patch.require_pause_as_seen(seen);
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
