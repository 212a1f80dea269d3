#include "plugins/kubernetes/known_decisions.h"

#include "plugins/count_ahead.h"
#include "plugins/kubernetes/plan.h"

namespace reconciler {

namespace {

// Resets of Sentinel are rare: who is this far ahead was not counting them.
constexpr uint32_t most_eras_ahead = 1000;

bool is_believable(const Decision& known, const Decision& ours) {
  return known.era - ours.era <= most_eras_ahead && known.step < highest_step;
}

}  // namespace

std::optional<Decision> known_ahead(const Wanted& wanted,
                                    const std::optional<HighestStamp>& highest) {
  if (!highest) return std::nullopt;
  const Decision& known = highest->claim.decision;
  const Decision& ours = wanted.claim.decision;
  if (known.epoch != ours.epoch || highest->claim.address != wanted.claim.address ||
      known <= ours || !is_believable(known, ours) || known.settled() != ours.settled()) {
    return std::nullopt;
  }
  const Intent intent = highest->intent;
  const bool same = wanted.withdrawn ? intent == Intent::withdrawal : intent != Intent::withdrawal;
  return same ? std::optional(known) : std::nullopt;
}

std::optional<Takeover> takeover_from_unsettled(const Wanted& wanted,
                                                const std::optional<HighestStamp>& highest) {
  if (!highest || !wanted.settled()) return std::nullopt;
  const Claim& claim = highest->claim;
  const Decision& known = claim.decision;
  const Decision& ours = wanted.claim.decision;
  // Under another era an equal epoch is a coincidence, unless the address is the same, too.
  const bool same_epoch =
      known.epoch == ours.epoch && (known.era == ours.era || claim.address == wanted.claim.address);
  if (!same_epoch || known.settled() || claim <= wanted.claim || !is_believable(known, ours)) {
    return std::nullopt;
  }
  const std::optional<Decision> higher = above(known, /*settled=*/true);
  if (!higher) return std::nullopt;
  return Takeover{claim, *higher};
}

std::optional<Takeover> takeover_of_era(const Wanted& wanted,
                                        const std::optional<HighestStamp>& highest) {
  if (!highest || !wanted.settled()) return std::nullopt;
  const Decision& known = highest->claim.decision;
  const Decision& ours = wanted.claim.decision;
  const bool alone = known.era > ours.era && is_believable(known, ours) && known.epoch < ours.epoch;
  if (!alone) return std::nullopt;
  return Takeover{highest->claim, {known.era, ours.epoch, ours.step}};
}

}  // namespace reconciler
