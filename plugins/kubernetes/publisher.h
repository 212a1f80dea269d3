// What publishes one group, in whichever way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/plan.h"
#include "plugins/valkey_reconciler_plugin.h"

namespace reconciler {

// Owned and driven by the KubernetesTarget.
class Publisher {
 public:
  Publisher() = default;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  virtual ~Publisher() = default;

  virtual const std::string& name() const = 0;  // of the group

  virtual void apply(const vr_topology& topology, vr_request* request) = 0;
  // What an operator wants; beside an attempt.
  virtual void order(const vr_order& order, vr_request* request) = 0;
  virtual bool cancel(const vr_request* request) = 0;  // false: it is none of this group

  // The names of the objects of a kind (`pods`, `services`, ...) that it writes, as far as they are known.
  virtual std::vector<std::string> names_of(std::string_view kind) const = 0;

  virtual void api_is_back() = 0;
  virtual void rights_were_given() = 0;
};

// Whether an attempt that ended so is worth another one as soon as something has changed: cancelled it is, too, when it was
// overdue.
inline bool has_failed(std::optional<vr_outcome> outcome) {
  return outcome == VR_RETRY || outcome == VR_CANCELLED;
}

// In the topology's own count.
Wanted wanted_from(const vr_topology& topology);

}  // namespace reconciler
