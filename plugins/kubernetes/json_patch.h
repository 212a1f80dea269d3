// The bodies of our kinds of write, as JSON Patch (RFC 6902). Pure.
#pragma once

#include <string>

#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

// Label off (whatever its value), stamp on. Applies only to the pod that `seen` is: its uid, its whole stamp, its pause, and
// whether it has the label, are tested. Always changes the pod, since `stamp` holds a new number. The replicas' label, where
// there is one, becomes what it is for this pod whatever it was: it is nothing that a fence may fail of.
std::string fence_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule,
                        bool is_replica = false);

// Label on, stamp on, under the same kind of precondition: uid, whole stamp, pause. What is promoted is no replica.
std::string promote_patch(const Pod& seen, const Stamp& stamp, const LabelRule& rule);

// The replicas' label alone, for a pod that does not carry the primary's or has a label of its own for it. Touches neither
// the stamp nor who carries the primary's label, so to everything that fences it has not happened.
std::string replica_patch(const Pod& seen, const LabelRule& rule, bool is_replica);

// Whether `answer`, which the API server gave to one of these patches of `seen`, has what was written: the same pod with
// exactly this stamp, and the label as its kind says. Only that confirms the write.
bool shows(const Pod& answer, const Pod& seen, const Stamp& stamp, const LabelRule& rule);

}  // namespace reconciler
