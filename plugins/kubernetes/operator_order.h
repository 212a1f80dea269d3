// What an operator wants of a group's objects (order_run.h carries it out), as annotations of them. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "plugins/kubernetes/api_object.h"
#include "plugins/kubernetes/patch_document.h"
#include "plugins/kubernetes/pause.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

struct OperatorOrder {
  vr_order_kind kind = VR_PAUSE;
  std::string text;  // of pause and release: what the annotation is to say
};

// `unique`: in no other order. A stamp that is released says what no stamp ever said, so that nothing that was decided on
// another one goes through afterwards; it is never taken off for the same reason.
OperatorOrder operator_order(const vr_order& order, uint64_t unique);

// Whether an object is as the order wants it.
bool obeys(const ApiObject& object, const OperatorOrder& order);
// The same, but a pause is one whoever wrote it.
bool obeys_in_effect(const ApiObject& object, const OperatorOrder& order);

// Applies only to the object that `seen` is: its uid and its whole stamp are tested. Leaves labels and, but for a release,
// the stamp as they are.
std::string order_patch(const ApiObject& seen, const OperatorOrder& order);

}  // namespace reconciler
