#include "supervisor/orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/status/json_writer.h"

namespace reconciler {

namespace {

const char* text_of(ipc::OutcomeKind outcome) {
  switch (outcome) {
    case ipc::OutcomeKind::applied:
      return "done";
    case ipc::OutcomeKind::rejected:
      return "refused";
    case ipc::OutcomeKind::retry:
    case ipc::OutcomeKind::cancelled:
      break;
  }
  return "not done";
}

}  // namespace

uint64_t Orders::add(const std::vector<std::string>& targets, Answered answered) {
  uv_update_time(loop_);
  Open open{std::move(answered), uv_now(loop_) + order_patience_ms, {}};
  for (const std::string& target : targets) open.targets.try_emplace(target);
  open_.emplace(++last_, std::move(open));
  if (!overdue_.active()) overdue_.start(order_patience_ms, [this] { give_up_overdue(); });
  return last_;
}

void Orders::answer(const std::string& target, const ipc::Ordered& ordered) {
  note(ordered.number, target, ordered.outcome, ordered.reason);
}

void Orders::note(uint64_t number, const std::string& target, ipc::OutcomeKind outcome,
                  const std::string& reason) {
  const auto open = open_.find(number);
  if (open == open_.end()) return;
  auto& targets = open->second.targets;
  const auto told = targets.find(target);
  if (told == targets.end() || told->second.known) return;
  told->second = {true, outcome, reason};
  const bool all = std::all_of(targets.begin(), targets.end(),
                               [](const auto& entry) { return entry.second.known; });
  if (!all) return;
  const auto ended = open_.extract(open);
  JsonWriter json;
  json.begin('{').key("targets").begin('[');
  for (const auto& [name, what] : ended.mapped().targets) {
    json.begin('{').field("target", name).field("outcome", text_of(what.outcome));
    json.field("reason", what.reason).end('}');
  }
  ended.mapped().answered(json.end(']').end('}').take());
}

void Orders::target_down(const std::string& target, const std::string& why) {
  std::vector<uint64_t> numbers;
  for (const auto& [number, open] : open_) numbers.push_back(number);
  for (const uint64_t number : numbers) {
    note(number, target, ipc::OutcomeKind::cancelled, "its labeler: " + why);
  }
}

void Orders::give_up_overdue() {
  while (!open_.empty() && open_.begin()->second.due_ms <= uv_now(loop_)) {
    const uint64_t number = open_.begin()->first;
    std::vector<std::string> targets;
    for (const auto& [target, told] : open_.begin()->second.targets) targets.push_back(target);
    for (const std::string& target : targets) {
      note(number, target, ipc::OutcomeKind::cancelled,
           fmt::format("no answer within {} s", order_patience_ms / 1'000));
    }
  }
  if (!open_.empty()) {
    overdue_.start(open_.begin()->second.due_ms - uv_now(loop_), [this] { give_up_overdue(); });
  }
}

}  // namespace reconciler
