#include "plugins/kubernetes/rights.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace reconciler {

namespace {

// A server that has just started doesn't know all roles yet: what it refuses is asked again before it is told.
constexpr uint64_t review_doubt_ms = 2000;
constexpr uint64_t review_missing_ms = 30000;

}  // namespace

Rights::Rights(Host host, ApiClient& api, const std::vector<Right>& needed)
    : host_(host), api_(api), again_(host) {
  // What is less than blocking is told of by whatever misses it.
  std::copy_if(needed.begin(), needed.end(), std::back_inserter(needed_),
               [](const Right& right) { return right.blocking; });
}

void Rights::review() {
  if (open_ > 0) return;
  open_ = needed_.size();
  unanswered_ = false;
  missing_.assign(needed_.size(), false);
  for (size_t right = 0; right < needed_.size(); ++right) {
    api_.review(needed_[right].verb, needed_[right].api_group, needed_[right].resource,
                [this, right](std::optional<bool> allowed) { answered(right, allowed); });
  }
}

void Rights::answered(size_t right, std::optional<bool> allowed) {
  unanswered_ |= !allowed.has_value();
  missing_[right] = allowed && !*allowed;
  if (--open_ > 0 || unanswered_) return;
  std::string message;
  for (size_t i = 0; i < needed_.size(); ++i) {
    if (!missing_[i]) continue;
    message += message.empty() ? "forbidden: cannot " : ", ";
    message += fmt::format("{} {}{}{}", needed_[i].verb, needed_[i].resource,
                           *needed_[i].api_group == '\0' ? "" : ".", needed_[i].api_group);
  }
  if (message.empty()) {
    if (!told_.empty()) host_.clear_problem({}, "rights-missing");
    told_.clear();
    doubted_.clear();
    return;
  }
  message += " in namespace " + api_.pod_namespace();
  if (std::exchange(doubted_, message) != message) {
    again_.start(review_doubt_ms, [this] { review(); });
    return;
  }
  host_.set_blocking({}, "rights-missing", message);
  if (told_ != message) host_.log(VR_ERROR, {}, "{}", message);
  told_ = message;
  again_.start(review_missing_ms, [this] { review(); });
}

}  // namespace reconciler
