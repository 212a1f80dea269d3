#include "supervisor/questions.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace reconciler {

uint64_t Questions::add(const std::string& child, Answered answered) {
  uv_update_time(loop_);
  open_.emplace(++last_, Open{child, std::move(answered), uv_now(loop_) + answer_patience_ms});
  if (!overdue_.active()) overdue_.start(answer_patience_ms, [this] { give_up_overdue(); });
  return last_;
}

void Questions::answer(const std::string& child, uint64_t number,
                       const Result<std::string>& answer) {
  const auto question = open_.find(number);
  if (question == open_.end() || question->second.child != child) return;
  const Answered answered = std::move(question->second.answered);
  open_.erase(question);
  answered(answer);
}

void Questions::give_up(const std::string& child, const Error& why) {
  std::vector<uint64_t> numbers;
  for (const auto& [number, question] : open_) {
    if (question.child == child) numbers.push_back(number);
  }
  for (const uint64_t number : numbers) answer(child, number, why);
}

void Questions::give_up_overdue() {
  while (!open_.empty() && open_.begin()->second.due_ms <= uv_now(loop_)) {
    const auto& [number, question] = *open_.begin();
    const std::string child = question.child;
    answer(child, number,
           Error(fmt::format("{} does not answer within {} s", child, answer_patience_ms / 1'000)));
  }
  if (!open_.empty()) {
    overdue_.start(open_.begin()->second.due_ms - uv_now(loop_), [this] { give_up_overdue(); });
  }
}

}  // namespace reconciler
