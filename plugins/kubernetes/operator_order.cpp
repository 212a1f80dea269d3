#include "plugins/kubernetes/operator_order.h"

#include <fmt/format.h>

namespace reconciler {

namespace {

constexpr char annotations[] = "/metadata/annotations";

}  // namespace

OperatorOrder operator_order(const vr_order& order, uint64_t unique) {
  switch (order.kind) {
    case VR_PAUSE: {
      const std::string reason = order.reason;
      return {order.kind, fmt::format("by {}{}{}", order.by, reason.empty() ? "" : ": ", reason)};
    }
    case VR_RELEASE:
      return {order.kind, fmt::format("released {:016x} by {}", unique, order.by)};
    case VR_RESUME:
      break;
  }
  return {order.kind, ""};
}

bool obeys(const ApiObject& object, const OperatorOrder& order) {
  if (order.kind == VR_RELEASE) return object.stamp.text == order.text;
  return object.paused() == (order.kind == VR_PAUSE ? order.text : "");
}

bool obeys_in_effect(const ApiObject& object, const OperatorOrder& order) {
  return order.kind == VR_PAUSE ? !object.paused().empty() : obeys(object, order);
}

std::string order_patch(const ApiObject& seen, const OperatorOrder& order) {
  PatchDocument patch;
  patch.require_as_seen(seen);
  switch (order.kind) {
    case VR_PAUSE:
      patch.write_below(seen.has_annotations, annotations, pause_annotation, order.text);
      break;
    case VR_RESUME:
      patch.remove(std::string(annotations) + "/" + pointer_step(pause_annotation));
      break;
    case VR_RELEASE:
      patch.write_below(seen.has_annotations, annotations, stamp_annotation, order.text);
      break;
  }
  return patch.str();
}

}  // namespace reconciler
