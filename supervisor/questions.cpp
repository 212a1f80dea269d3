#include "supervisor/questions.h"

#include <fmt/format.h>

#include <utility>

namespace reconciler {

uint64_t Questions::add(Answered answered) {
  uv_update_time(loop_);
  open_.emplace(++last_, Open{std::move(answered), uv_now(loop_) + answer_patience_ms});
  if (!overdue_.active()) overdue_.start(answer_patience_ms, [this] { give_up_overdue(); });
  return last_;
}

void Questions::answer(uint64_t number, const Result<std::string>& answer) {
  auto question = open_.extract(number);
  if (question) question.mapped().answered(answer);
}

void Questions::give_up(const Error& why) {
  for (auto& [number, question] : std::exchange(open_, {})) question.answered(why);
}

void Questions::give_up_overdue() {
  while (!open_.empty() && open_.begin()->second.due_ms <= uv_now(loop_)) {
    answer(open_.begin()->first,
           Error(fmt::format("the sentinel-watcher does not answer within {} s",
                             answer_patience_ms / 1'000)));
  }
  if (!open_.empty()) {
    overdue_.start(open_.begin()->second.due_ms - uv_now(loop_), [this] { give_up_overdue(); });
  }
}

}  // namespace reconciler
