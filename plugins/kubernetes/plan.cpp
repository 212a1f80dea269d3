#include "plugins/kubernetes/plan.h"

#include <algorithm>
#include <compare>

#include <fmt/format.h>

#include "plugins/kubernetes/match.h"
#include "plugins/kubernetes/pause.h"

namespace reconciler {

namespace {

bool is_read(const Pod& pod) { return pod.stamp.state == StampReading::State::read; }
bool is_foreign(const Pod& pod, const Wanted& wanted) {
  return is_read(pod) && pod.stamp.stamp->group != wanted.group;
}

// The label was put there by a promotion, and no other decision has touched the pod since. Such a label is the token of
// section 5: who takes it off may put it on elsewhere. One that was set by hand proves nothing of the other pods.
bool holds_token(const Pod& pod, const LabelRule& rule) {
  return pod.carries(rule) && is_read(pod) && pod.stamp.stamp->kind == StampKind::promoted;
}

// Of those who wrote `claim`, which has the address of what is wanted.
Intent intent_of(const Claim& claim, const Wanted& wanted, const Pods& pods,
                 std::string_view pod_namespace) {
  Intent intent = Intent::unknown;
  for (const auto& [name, pod] : pods) {
    if (!is_read(pod) || is_foreign(pod, wanted) || pod.stamp.stamp->claim != claim) continue;
    if (pod.stamp.stamp->kind == StampKind::promoted) return Intent::promotion;
    // A promotion never fences the pod that it promotes: where that is fenced, the decision was to withdraw it.
    if (names_pod(wanted.host, pod, pod_namespace)) intent = Intent::withdrawal;
  }
  return intent;
}

struct View {
  std::vector<const Pod*> group;      // the selector's pods but those that another group stamped
  std::vector<const Pod*> labelled;   // of them
  const Pod* highest = nullptr;       // the pod with the highest stamp that can be read
  const Pod* newer_format = nullptr;  // a pod with a stamp that can't
  const Pod* paused = nullptr;
  const Pod* foreign_primary = nullptr;
  const Pod* foreign_labelled = nullptr;
};

const Pod* highest_of(const Wanted& wanted, const Pods& pods) {
  const Pod* highest = nullptr;
  for (const auto& [name, pod] : pods) {
    if (!is_read(pod) || is_foreign(pod, wanted)) continue;
    if (highest == nullptr || pod.stamp.stamp->claim > highest->stamp.stamp->claim) highest = &pod;
  }
  return highest;
}

View look(const Wanted& wanted, const Pods& pods, const LabelRule& rule,
          std::string_view pod_namespace) {
  View view;
  view.highest = highest_of(wanted, pods);
  view.group.reserve(pods.size());
  for (const auto& [name, pod] : pods) {
    if (is_foreign(pod, wanted)) {
      if (names_pod(wanted.host, pod, pod_namespace)) view.foreign_primary = &pod;
      if (pod.carries(rule)) view.foreign_labelled = &pod;
      continue;
    }
    view.group.push_back(&pod);
    if (!pod.paused().empty()) view.paused = &pod;
    if (pod.carries(rule)) view.labelled.push_back(&pod);
    if (pod.stamp.state == StampReading::State::newer_format) view.newer_format = &pod;
  }
  return view;
}

std::vector<const Pod*> all_but(const std::vector<const Pod*>& pods, const Pod* left_out) {
  std::vector<const Pod*> others;
  others.reserve(pods.size());
  std::copy_if(pods.begin(), pods.end(), std::back_inserter(others),
               [&](const Pod* pod) { return pod != left_out; });
  return others;
}

// By the highest decision of all, which is higher than what is wanted.
bool is_promoted_already(const View& view, const Match& match) {
  return match.pod != nullptr && is_read(*match.pod) &&
         match.pod->stamp.stamp->claim == view.highest->stamp.stamp->claim &&
         view.labelled.size() == 1 && view.labelled.front() == match.pod;
}
bool is_withdrawn_already(const View& view, const Wanted& wanted) {
  const Claim& claim = view.highest->stamp.stamp->claim;
  return view.labelled.empty() && !claim.decision.settled() &&
         claim.decision.era == wanted.claim.decision.era &&
         claim.decision.epoch == wanted.claim.decision.epoch &&
         claim.address == wanted.claim.address;
}

// Takes the label off wherever it is, and leaves the decision behind so that no older one brings it back.
void plan_withdrawal(Plan& plan, const View& view, const Wanted& wanted, const LabelRule& rule) {
  const bool token = std::any_of(view.labelled.begin(), view.labelled.end(),
                                 [&](const Pod* pod) { return holds_token(*pod, rule); });
  const auto promoted = std::find_if(view.group.begin(), view.group.end(), [&](const Pod* pod) {
    return is_read(*pod) && pod->stamp.stamp->claim == wanted.claim &&
           pod->stamp.stamp->kind == StampKind::promoted;
  });
  if (promoted != view.group.end()) {
    // Two programs that count differently: one of them must give way, or they would go on for ever.
    plan.verdict = Plan::Verdict::stand_down;
    plan.higher = wanted.claim;
    plan.cause = fmt::format("pod {} was promoted under {}, which is a suspicion here",
                             (*promoted)->name, describe(wanted.claim));
    return;
  }
  if (view.labelled.empty() && view.highest != nullptr &&
      view.highest->stamp.stamp->claim == wanted.claim) {
    return;
  }
  plan.fences = token ? view.labelled : view.group;
  if (!plan.fences.empty()) plan.verdict = Plan::Verdict::change;
}

std::string of_other_group(const Pod& pod, const std::string& what) {
  return fmt::format(
      "pod {} {} but belongs to group {} by its stamp; where that group is no more, overwrite the "
      "annotation {} of its pods",
      pod.name, what, pod.stamp.stamp->group, stamp_annotation);
}

// Nothing is promoted beside a label that is there: whoever selects it would reach both.
void plan_beside_other_group(Plan& plan, const View& view, const LabelRule& rule) {
  plan.verdict = Plan::Verdict::other_group;
  plan.cause = of_other_group(*view.foreign_labelled,
                              fmt::format("carries the label {}={}", rule.name, rule.value));
}

void plan_without_pod(Plan& plan, const View& view, const Wanted& wanted, std::string cause) {
  plan.verdict = Plan::Verdict::no_pod;
  plan.cause = std::move(cause);
  if (view.foreign_primary != nullptr) {
    plan.cause = of_other_group(*view.foreign_primary, "is " + wanted.claim.address);
  }
  // Only a label that was given by a decision of ours, under a lower epoch, is known to be out of date: a wrong host
  // name must not cost a good one.
  if (view.highest == nullptr || view.labelled.empty()) return;
  const auto epoch = [](const Decision& decision) {
    return std::pair(decision.era, decision.epoch);
  };
  if (epoch(view.highest->stamp.stamp->claim.decision) < epoch(wanted.claim.decision)) {
    plan.verdict = Plan::Verdict::no_pod_stale;
    plan.fences = view.labelled;
  }
}

void plan_promotion(Plan& plan, const View& view, const Wanted& wanted, const LabelRule& rule) {
  const Pod* primary = plan.primary;
  const std::vector<const Pod*> labelled_others = all_but(view.labelled, primary);
  const bool primary_is_right = primary->carries(rule) && is_read(*primary) &&
                                primary->stamp.stamp->claim == wanted.claim &&
                                primary->stamp.stamp->kind == StampKind::promoted;
  if (primary_is_right && labelled_others.empty()) return;
  plan.verdict = Plan::Verdict::change;
  if (primary_is_right) {  // a second label, set by somebody else
    plan.fences = labelled_others;
    return;
  }
  const bool token = std::any_of(labelled_others.begin(), labelled_others.end(),
                                 [&](const Pod* pod) { return holds_token(*pod, rule); });
  plan.fences = token ? labelled_others : all_but(view.group, primary);
  plan.promote = primary;
}

void leave_alone(Plan& plan, const Pod& paused) {
  plan.pause = fmt::format("paused by the annotation {} of pod {}: {}", pause_annotation,
                           paused.name, paused.paused());
  if (plan.fences.empty() && plan.promote == nullptr) return;
  plan.verdict = Plan::Verdict::paused;
  plan.cause = plan.pause;
}

Plan plan_for(const View& view, const Wanted& wanted, const LabelRule& rule,
              std::string_view pod_namespace) {
  Match match = find_instance(view.group, wanted.host, wanted.port, pod_namespace);
  Plan plan;
  plan.primary = match.pod;

  if (view.newer_format != nullptr) {
    plan.verdict = Plan::Verdict::stand_down;
    plan.newer_format = true;
    plan.cause =
        fmt::format("pod {}: {}", view.newer_format->name, *view.newer_format->stamp.problem);
    return plan;
  }
  if (view.highest != nullptr && view.highest->stamp.stamp->claim > wanted.claim) {
    // Whoever decided higher may have decided the same.
    if (wanted.withdrawn ? is_withdrawn_already(view, wanted) : is_promoted_already(view, match)) {
      if (!wanted.withdrawn && view.foreign_labelled != nullptr) {
        plan_beside_other_group(plan, view, rule);
      }
      return plan;
    }
    plan.verdict = Plan::Verdict::stand_down;
    plan.higher = view.highest->stamp.stamp->claim;
    plan.cause = fmt::format("pod {} remembers {}, and this is {}", view.highest->name,
                             describe(plan.higher), describe(wanted.claim));
    return plan;
  }
  if (wanted.withdrawn) {
    plan_withdrawal(plan, view, wanted, rule);
  } else if (match.pod == nullptr) {
    plan_without_pod(plan, view, wanted, std::move(match.cause));
  } else if (view.foreign_labelled != nullptr) {
    plan_beside_other_group(plan, view, rule);
  } else {
    plan_promotion(plan, view, wanted, rule);
  }
  return plan;
}

}  // namespace

Plan make_plan(const Wanted& wanted, const Pods& pods, const LabelRule& rule,
               std::string_view pod_namespace) {
  const View view = look(wanted, pods, rule, pod_namespace);
  Plan plan = plan_for(view, wanted, rule, pod_namespace);
  if (view.paused != nullptr) leave_alone(plan, *view.paused);
  return plan;
}

std::optional<HighestStamp> highest_stamp(const Wanted& wanted, const Pods& pods,
                                          std::string_view pod_namespace) {
  const Pod* highest = highest_of(wanted, pods);
  if (highest == nullptr) return std::nullopt;
  const Claim& claim = highest->stamp.stamp->claim;
  return HighestStamp{claim, intent_of(claim, wanted, pods, pod_namespace)};
}

bool is_under_way(const Wanted& wanted, const Pods& pods, const std::vector<uint64_t>& own) {
  bool by_another = false;
  for (const auto& [name, pod] : pods) {
    if (!is_read(pod) || is_foreign(pod, wanted)) continue;
    const Stamp& stamp = *pod.stamp.stamp;
    if (stamp.claim != wanted.claim) continue;
    if (stamp.kind == StampKind::promoted) return false;
    by_another |= std::find(own.begin(), own.end(), stamp.unique) == own.end();
  }
  return by_another;
}

}  // namespace reconciler
