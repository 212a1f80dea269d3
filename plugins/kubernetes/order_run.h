// Carries out what an operator wants, at every object of one kind that it is about: lists them, patches those that are not as
// they should be, and begins anew where one has changed meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/object_view.h"
#include "plugins/kubernetes/operator_order.h"

namespace reconciler {

// What an order is about.
template <typename Item>
struct OrderScope {
  ObjectView<Item>* watch = nullptr;
  std::function<bool(const Item&)> concerns;
  // Why it is not to be done as things were before it began; empty: it may be.
  std::function<std::string()> refusal;
  std::string missing;  // what is said where there is no object
};

// Owned by what publishes the group. One order at a time.
template <typename Item>
class OrderRun {
 public:
  // `ended`: it is over, in whatever way; called before it is completed.
  OrderRun(Host host, ApiClient& api, uint64_t timeout_ms, std::function<void()> ended);
  OrderRun(const OrderRun&) = delete;
  OrderRun& operator=(const OrderRun&) = delete;

  void start(OrderScope<Item> scope, OperatorOrder order, vr_request* request);
  // Patches that are on their way are left to themselves: each is right alone.
  bool cancel(const vr_request* request);

 private:
  void list();
  void patch_all();
  void patched(const Item& seen, const WriteAnswer<Item>& answer);
  void failed(const ApiError& error);
  void finish(vr_outcome outcome, const std::string& reason);

  Host host_;
  ApiClient& api_;
  const uint64_t timeout_ms_;
  const std::function<void()> ended_;
  OrderScope<Item> scope_;
  OperatorOrder order_;
  vr_request* request_ = nullptr;
  uint64_t run_ = 0;  // tells an answer to an ended run from one to this
  int lists_ = 0;
  size_t under_way_ = 0;
  std::optional<ApiError> failure_;
};

}  // namespace reconciler
