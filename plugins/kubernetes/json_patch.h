// The bodies of our two kinds of write, as JSON Patch (RFC 6902). Pure.
#pragma once

#include <string>

#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

// Label off (whatever its value), stamp on. Applies only to the pod that `seen` is: its uid, its whole stamp, and
// whether it has the label, are tested. Always changes the pod, since `stamp` holds a new number.
std::string fence_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule);

// Label on, stamp on, under the same kind of precondition: uid and whole stamp.
std::string promote_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule);

// Whether `answer`, which the API server gave to one of these patches of `seen`, has what was written: the same pod with
// exactly this stamp, and the label as its kind says. Only that confirms the write.
bool shows(const Pod& answer, const Pod& seen, const Stamp& stamp, const LabelRule& rule);

}  // namespace reconciler
