#include "supervisor/http/http_answer.h"

#include <algorithm>
#include <utility>

namespace reconciler {

SharedAnswer SharedAnswers::again(const std::string& path, uint64_t now_ms) {
  const auto kept = kept_.find(path);
  if (kept == kept_.end()) return nullptr;
  return is_of_use(kept->second, now_ms) ? kept->second.answer : nullptr;
}

SharedAnswer SharedAnswers::made(const std::string& path, HttpAnswer answer, uint64_t now_ms) {
  auto shared = std::make_shared<const HttpAnswer>(std::move(answer));
  if (shared->body.size() > large) {
    kept_[path] = {shared, now_ms};
    large_ones_.push_back(shared);
  }
  return shared;
}

void SharedAnswers::forget(uint64_t now_ms) {
  std::erase_if(kept_, [&](const auto& entry) { return !is_of_use(entry.second, now_ms); });
}

bool SharedAnswers::is_of_use(const Kept& kept, uint64_t now_ms) {
  const uint64_t age_ms = now_ms - kept.made_ms;
  return age_ms < lasts_ms || (age_ms < lasts_at_most_ms && readers_hold_too_much());
}

// What is only kept here is no reader's.
bool SharedAnswers::readers_hold_too_much() {
  std::erase_if(large_ones_, [](const auto& answer) { return answer.expired(); });
  std::size_t held = 0;
  for (const auto& answer : large_ones_) {
    const bool is_kept = std::any_of(kept_.begin(), kept_.end(), [&](const auto& entry) {
      return entry.second.answer == answer.lock();
    });
    if (const SharedAnswer alive = answer.lock(); alive.use_count() > (is_kept ? 2 : 1))
      held += alive->body.size();
  }
  return held > most_held;
}

}  // namespace reconciler
