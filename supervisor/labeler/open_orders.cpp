#include "supervisor/labeler/open_orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/log.h"

namespace reconciler::labeler {

namespace {

// How long a plugin has to complete a request after `cancel`.
constexpr uint64_t cancel_grace_ms = 3'000;
// With that, less than the supervisor waits: who is told that it was not done can rely on it.
constexpr int64_t longest_order_ms = 6'000;

vr_order_kind kind_of(ipc::OrderKind kind) { return static_cast<vr_order_kind>(kind); }
static_assert(static_cast<int>(ipc::OrderKind::release) == VR_RELEASE);

const char* text_of(ipc::OrderKind kind) {
  switch (kind) {
    case ipc::OrderKind::pause:
      return "pause";
    case ipc::OrderKind::resume:
      return "resume";
    case ipc::OrderKind::release:
      break;
  }
  return "release";
}

// Empty: it is not refused.
std::string refusal(const vr_plugin& plugin, bool dry_run) {
  if (dry_run) return "this program is on a dry run and changes nothing";
  if (!VR_HAS(&plugin, order) || plugin.order == nullptr) return "not supported by this target";
  return {};
}

}  // namespace

void OpenOrders::begin(const vr_plugin& plugin, void* instance, const std::string& group,
                       const ipc::Order& order, bool dry_run) {
  if (const std::string why = refusal(plugin, dry_run); !why.empty()) {
    return answer(group, order, ipc::OutcomeKind::rejected, why);
  }
  const auto [place, added] = open_.try_emplace(group, nullptr);
  if (!added) {
    return answer(group, order, ipc::OutcomeKind::retry,
                  "another order for this group is being carried out");
  }
  place->second = std::make_unique<Open>(loop_);
  Open& open = *place->second;
  open.order = order;
  open.request.group = group;
  open.plugin = &plugin;
  open.instance = instance;
  open.deadline.start(static_cast<uint64_t>(deadline_ms()), [this, &open] { cancel(open); });
  const vr_order told{sizeof(vr_order), kind_of(order.kind), group.c_str(), order.by.c_str(),
                      order.reason.c_str()};
  plugin.order(instance, &told, &open.request);
}

int64_t OpenOrders::deadline_ms() const { return std::min(target_.deadline, longest_order_ms); }

void OpenOrders::cancel(Open& open) {
  if (open.cancelled) return;
  open.cancelled = true;
  open.deadline.start(cancel_grace_ms, [this] { give_up_("did not complete a cancelled order"); });
  open.plugin->cancel(open.instance, &open.request);
}

void OpenOrders::cancel_all() {
  // One that is completed at once is gone from the map.
  std::vector<Open*> all;
  for (const auto& [group, open] : open_) all.push_back(open.get());
  for (Open* open : all) cancel(*open);
}

bool OpenOrders::completed(const vr_request* request, ipc::OutcomeKind outcome,
                           const std::string& reason) {
  const auto found = std::find_if(open_.begin(), open_.end(), [request](const auto& entry) {
    return &entry.second->request == request;
  });
  if (found == open_.end()) return false;
  const auto ended = open_.extract(found);
  const bool cancelled = outcome == ipc::OutcomeKind::cancelled;
  answer(
      ended.key(), ended.mapped()->order, outcome,
      cancelled && reason.empty() ? fmt::format("not done within {} ms", deadline_ms()) : reason);
  return true;
}

void OpenOrders::answer(const std::string& group, const ipc::Order& order, ipc::OutcomeKind outcome,
                        const std::string& reason) {
  const bool done = outcome == ipc::OutcomeKind::applied;
  const std::string why = order.reason.empty() ? "" : ": " + order.reason;
  log::write(
      done ? log::Level::info : log::Level::warning,
      fmt::format("{} by {}{}{}", text_of(order.kind), order.by, why, done ? "" : ": not done"),
      {.group = group, .target = target_.name, .error = reason});
  session_.ordered(group, {order.number, outcome, reason});
}

}  // namespace reconciler::labeler
