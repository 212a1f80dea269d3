#include "plugins/kubernetes/order_run.h"

#include <utility>
#include <vector>

#include "plugins/kubernetes/service.h"

namespace reconciler {

namespace {

// Whose objects change that often is amid something.
constexpr int most_lists = 8;

}  // namespace

template <typename Item>
OrderRun<Item>::OrderRun(Host host, ApiClient& api, uint64_t timeout_ms,
                         std::function<void()> ended)
    : host_(host), api_(api), timeout_ms_(timeout_ms), ended_(std::move(ended)) {}

template <typename Item>
void OrderRun<Item>::start(OrderScope<Item> scope, OperatorOrder order, vr_request* request) {
  scope_ = std::move(scope);
  order_ = std::move(order);
  request_ = request;
  lists_ = 0;
  ++run_;
  list();
}

template <typename Item>
bool OrderRun<Item>::cancel(const vr_request* request) {
  if (request_ == nullptr || request != request_) return false;
  finish(VR_CANCELLED, "no answer from the API server in time");
  return true;
}

template <typename Item>
void OrderRun<Item>::list() {
  if (++lists_ > most_lists) {
    finish(VR_RETRY, "others change the objects at the same time");
    return;
  }
  scope_.watch->list([this, run = run_](const std::optional<ApiError>& error) {
    if (run != run_) return;
    if (error) {
      failed(*error);
    } else {
      patch_all();
    }
  });
}

template <typename Item>
void OrderRun<Item>::patch_all() {
  const std::string why = lists_ == 1 ? scope_.refusal() : "";
  if (!why.empty()) {
    finish(VR_REJECTED, why);
    return;
  }
  std::vector<Item> wrong;
  bool any = false;
  for (const auto& [name, item] : scope_.watch->items()) {
    if (!scope_.concerns(item)) continue;
    any = true;
    // Who pauses at the same time, for a reason of his own, is not to be overwritten for ever.
    const bool right = lists_ == 1 ? obeys(item, order_) : obeys_in_effect(item, order_);
    if (!right) wrong.push_back(item);
  }
  if (!any && order_.kind != VR_RESUME) {
    finish(VR_REJECTED, scope_.missing);
    return;
  }
  if (wrong.empty()) {
    finish(VR_APPLIED, {});
    return;
  }
  failure_.reset();
  under_way_ = wrong.size();
  for (const Item& seen : wrong) {
    api_.template patch<Item>(scope_.watch->resource(), seen.name, order_patch(seen, order_),
                              timeout_ms_,
                              [this, seen, run = run_](const WriteAnswer<Item>& answer) {
                                if (answer.item) scope_.watch->written(*answer.item);
                                if (run == run_) patched(seen, answer);
                              });
  }
}

template <typename Item>
void OrderRun<Item>::patched(const Item& seen, const WriteAnswer<Item>& answer) {
  if (answer.error) {
    // What a list does not mend goes before what it does.
    if (!failure_ || failure_->mended_by_list()) failure_ = answer.error;
  } else if (answer.item->uid != seen.uid || !obeys(*answer.item, order_)) {
    failure_.emplace();
    failure_->message =
        seen.name + ": the API server took the annotation and does not show it (a webhook?)";
  }
  if (--under_way_ > 0) return;
  if (failure_ && !failure_->mended_by_list()) {
    failed(*failure_);
  } else if (!failure_ && order_.kind == VR_RELEASE) {
    finish(VR_APPLIED, {});  // whoever knows better may have written since, and is right to
  } else {
    list();  // an object may have come meanwhile
  }
}

template <typename Item>
void OrderRun<Item>::failed(const ApiError& error) {
  finish(error.kind == ApiError::Kind::forbidden ? VR_REJECTED : VR_RETRY, error.message);
}

template <typename Item>
void OrderRun<Item>::finish(vr_outcome outcome, const std::string& reason) {
  ++run_;
  ended_();
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
}

template class OrderRun<Pod>;
template class OrderRun<Service>;
template class OrderRun<Slice>;

}  // namespace reconciler
