#include "plugins/kubernetes/rights.h"

#include <array>
#include <utility>

namespace reconciler {

namespace {

// `watch` is not among them: without it the pods are listed instead, which PodWatch tells itself.
constexpr std::array verbs{"list", "patch"};
// A server that has just started doesn't know all roles yet: what it refuses is asked again before it is told.
constexpr uint64_t review_doubt_ms = 2000;
constexpr uint64_t review_missing_ms = 30000;

}  // namespace

Rights::Rights(Host host, ApiClient& api) : host_(host), api_(api), again_(host) {}

void Rights::review() {
  if (open_ > 0) return;
  open_ = verbs.size();
  unanswered_ = false;
  missing_.assign(verbs.size(), false);
  for (size_t right = 0; right < verbs.size(); ++right) {
    api_.review(verbs[right],
                [this, right](std::optional<bool> allowed) { answered(right, allowed); });
  }
}

void Rights::answered(size_t right, std::optional<bool> allowed) {
  unanswered_ |= !allowed.has_value();
  missing_[right] = allowed && !*allowed;
  if (--open_ > 0 || unanswered_) return;
  std::string message;
  for (size_t i = 0; i < verbs.size(); ++i) {
    if (!missing_[i]) continue;
    message += message.empty() ? "forbidden: cannot " : ", ";
    message += verbs[i];
  }
  if (message.empty()) {
    if (!told_.empty()) host_.clear_problem({}, "rights-missing");
    told_.clear();
    doubted_.clear();
    return;
  }
  message += " pods in namespace " + api_.pod_namespace();
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
