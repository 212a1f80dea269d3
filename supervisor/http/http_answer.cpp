#include "supervisor/http/http_answer.h"

#include <utility>

namespace reconciler {

SharedAnswer SharedAnswers::again(const std::string& path, uint64_t now_ms) {
  const auto kept = kept_.find(path);
  if (kept == kept_.end()) return nullptr;
  const bool fresh = now_ms - kept->second.made_ms < lasts_ms;
  return fresh || too_much_is_held() ? kept->second.answer : nullptr;
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
  if (too_much_is_held()) return;
  std::erase_if(kept_,
                [now_ms](const auto& entry) { return now_ms - entry.second.made_ms >= lasts_ms; });
}

bool SharedAnswers::too_much_is_held() {
  std::erase_if(large_ones_, [](const auto& answer) { return answer.expired(); });
  std::size_t held = 0;
  for (const auto& answer : large_ones_) {
    if (const SharedAnswer alive = answer.lock()) held += alive->body.size();
  }
  return held > most_held;
}

}  // namespace reconciler
