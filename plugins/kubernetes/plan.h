// What is to be done so that the group's pods agree with a topology: the decisions of DESIGN.md section 5. Pure, and
// the only place where they are made; README.md tells them in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/pod.h"
#include "plugins/kubernetes/pod_store.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {

// What a topology asks of a group's pods.
struct Wanted {
  std::string group;
  Claim claim;
  std::string host;  // of the primary, canonical
  uint16_t port = 0;
  bool withdrawn = false;  // the primary is suspected: no pod is to carry the label

  bool settled() const { return claim.decision.settled() && !withdrawn; }
};

struct Plan {
  enum class Verdict : uint8_t {
    right,        // nothing to do
    paused,       // there would be, but an operator wants the group left alone
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

// The decision by which the pods know what is wanted, where it is a higher one than the topology's: the highest stamp
// of all has its epoch and address and is of its kind (settled, a provisional promotion, a suspicion). Resets of Sentinel
// and steps within an epoch are counted from the start of the program, so one that started later finds out here where
// it is. Nothing where there is nothing to learn.
std::optional<Decision> known_ahead(const Wanted& wanted, const Pods& pods,
                                    std::string_view pod_namespace);

// Whether somebody is amid what is wanted: a pod is fenced for it by a write that is none of `own`, and none is promoted.
bool is_under_way(const Wanted& wanted, const Pods& pods, const std::vector<uint64_t>& own);

// What a settled decision that stands down becomes when both sides have stood so for long. README.md has the reasons.
struct Takeover {
  Claim known;  // the highest of the pods
  Decision decision;

  friend bool operator==(const Takeover&, const Takeover&) = default;
};
std::optional<Takeover> takeover_from_unsettled(const Wanted& wanted, const Pods& pods);
// The highest claim's era alone makes it higher than what is wanted: its epoch is lower.
std::optional<Takeover> takeover_of_era(const Wanted& wanted, const Pods& pods);

}  // namespace reconciler
