// What is to be done so that the group's pods agree with a topology: the decisions of DESIGN.md section 5. Pure, and
// the only place where they are made; README.md tells them in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/known_decisions.h"
#include "plugins/kubernetes/object_store.h"
#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

struct InstanceAddress {
  std::string host;  // canonical
  uint16_t port = 0;
};

// What a topology asks of a group's pods.
struct Wanted {
  std::string group;
  Claim claim;
  std::string host;  // of the primary, canonical
  uint16_t port = 0;
  bool withdrawn = false;                 // the primary is suspected: no pod is to carry the label
  std::vector<InstanceAddress> replicas;  // those that Sentinel calls healthy

  bool settled() const { return claim.decision.settled() && !withdrawn; }
};

struct Plan {
  enum class Verdict : uint8_t {
    right,        // nothing to do
    paused,       // as change, but an operator wants the group left alone
    change,       // fence `fences`, all at once; when all are confirmed promote `promote`, if any
    stand_down,   // a pod remembers a higher decision
    other_group,  // a pod that another group stamped carries the label: none is put beside it
    no_pod,       // none is the primary, and the labels stay as they are
    no_pod_stale  // the same, but the label was given under a lower epoch: after a while it goes, by `fences`
  };

  Verdict verdict = Verdict::right;
  std::vector<const Pod*> fences;
  const Pod* promote = nullptr;
  const Pod* primary = nullptr;  // the pod that is the instance, whatever is to be done; null: none
  std::string pause;             // the operator's word, whatever the verdict; empty: none
  std::string cause;             // of paused, stand_down, other_group and no_pod...: for people
  Claim higher;                  // of stand_down: that decision
  bool newer_format = false;     // of stand_down: a newer version of this program wrote the stamp
};

// `pods`: what the selector selects. Pointers in the plan are into it.
Plan make_plan(const Wanted& wanted, const Pods& pods, const LabelRule& rule,
               std::string_view pod_namespace);

// What the pods remember, for known_decisions.h.
std::optional<HighestStamp> highest_stamp(const Wanted& wanted, const Pods& pods,
                                          std::string_view pod_namespace);

// Whether somebody is amid what is wanted: a pod is fenced for it by a write that is none of `own`, and none is promoted.
bool is_under_way(const Wanted& wanted, const Pods& pods, const std::vector<uint64_t>& own);

}  // namespace reconciler
