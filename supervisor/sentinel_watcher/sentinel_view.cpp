#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace reconciler {

bool take_answer(SentinelView& view, const std::optional<Endpoint>& address,
                 const std::optional<PrimaryReply>& primary, Milliseconds now) {
  if (address.has_value() != primary.has_value()) return false;
  if (!address) {
    view.heard = now;
    view.failover = FailoverState::none;
    view.standing = SentinelView::Standing::unknown_group;
    return true;
  }
  // While a failover is past its promotion SENTINEL MASTER still shows the old instance: its flags and role say
  // nothing of the new one.
  const bool same_instance = *address == primary->endpoint;
  if (primary->failover == FailoverState::promoted && same_instance) return false;
  if ((primary->failover == FailoverState::none || primary->failover == FailoverState::beginning) &&
      !same_instance) {
    return false;
  }
  view.standing = SentinelView::Standing::answered;
  view.primary = *address;
  view.epoch = primary->config_epoch;
  view.other_sentinels = primary->other_sentinels;
  view.heard = now;
  view.down = same_instance && primary->down;
  view.objectively_down = same_instance && primary->objectively_down;
  view.failover = primary->failover;
  view.reported_replica = same_instance && primary->reported_replica;
  view.refusal.clear();
  return true;
}

}  // namespace reconciler
