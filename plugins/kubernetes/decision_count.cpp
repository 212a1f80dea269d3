#include "plugins/kubernetes/decision_count.h"

#include <utility>

#include "plugins/kubernetes/plan.h"

namespace reconciler {

namespace {

// Longer than watchers differ in when they believe a reset of Sentinel (with the same reset_after), and than an unsettled
// decision stays so while those live who made it.
constexpr uint64_t takeover_after_ms = 15000;

}  // namespace

DecisionCount::DecisionCount(Host host, std::string group, std::function<void()> look_again)
    : host_(host), group_(std::move(group)), look_again_(std::move(look_again)), timer_(host) {}

Decision DecisionCount::told(const Decision& decision) {
  told_ = decision;
  return ahead_.of(told_);
}

void DecisionCount::learn(Wanted& wanted, const std::optional<HighestStamp>& highest) {
  const std::optional<Decision> known = known_ahead(wanted, highest);
  if (known) count_as(wanted, *known);
}

void DecisionCount::count_as(Wanted& wanted, const Decision& known) {
  ahead_.learn(told_, known);
  wanted.claim.decision = known;
}

bool DecisionCount::takes_over(Wanted& wanted, const std::optional<HighestStamp>& highest) {
  const auto unsettled = takeover_from_unsettled(wanted, highest);
  const auto takeover = unsettled ? unsettled : takeover_of_era(wanted, highest);
  if (!takeover) {
    forget_behind();
    return false;
  }
  const uint64_t now = host_.now_ns();
  if (!behind_ || behind_->wanted != wanted.claim || behind_->known != takeover->known) {
    behind_ = {wanted.claim, takeover->known, now};
  }
  const uint64_t stood_ms = (now - behind_->since_ns) / 1000000;
  if (stood_ms < takeover_after_ms) {
    timer_.start(takeover_after_ms - stood_ms + 1, look_again_);
    return false;
  }
  const std::string standing =
      fmt::format("what is stamped is {}, and this has been {} for {} s", describe(takeover->known),
                  describe(wanted.claim), stood_ms / 1000);
  if (unsettled) {
    host_.log(VR_WARNING, group_,
              "{}: that was neither confirmed nor taken back, and who decided it seems to be gone; "
              "step {} is taken",
              standing, takeover->decision.step);
  } else {
    host_.log(VR_WARNING, group_,
              "{}: era {} is taken over; where this epoch is from before a reset of Sentinel, the "
              "primary goes backwards",
              standing, takeover->decision.era);
  }
  count_as(wanted, takeover->decision);
  forget_behind();
  return true;
}

void DecisionCount::forget_behind() {
  behind_.reset();
  timer_.stop();
}

std::string DecisionCount::patience() const {
  if (!behind_) return {};
  return fmt::format("; where both stay so for {} s, this goes above it", takeover_after_ms / 1000);
}

}  // namespace reconciler
