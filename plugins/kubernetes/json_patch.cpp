#include "plugins/kubernetes/json_patch.h"

#include "plugins/kubernetes/patch_document.h"

namespace reconciler {

namespace {

std::string label_path(const LabelRule& rule) {
  return "/metadata/labels/" + pointer_step(rule.name);
}

}  // namespace

std::string fence_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  if (seen.label) {
    patch.remove(label_path(rule));  // fails where it is gone: somebody else took the token
  } else {
    // A label that was set by hand in between must not survive a fence.
    patch.test_absent(seen.has_labels ? label_path(rule) : "/metadata/labels");
  }
  patch.write_stamp(seen, stamp);
  return patch.str();
}

std::string promote_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  if (!seen.has_labels) patch.test_absent("/metadata/labels");
  patch.write_below(seen.has_labels, "/metadata/labels", rule.name, rule.value);
  patch.write_stamp(seen, stamp);
  return patch.str();
}

bool shows(const Pod& answer, const Pod& seen, const Stamp& stamp, const LabelRule& rule) {
  const bool label_is_right =
      stamp.kind == StampKind::promoted ? answer.carries(rule) : !answer.label;
  return answer.uid == seen.uid && answer.stamp.text == format_stamp(stamp) && label_is_right;
}

}  // namespace reconciler
