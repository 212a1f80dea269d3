// Whether the account has the rights that are needed, found out before the first failover needs them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

// `forbidden: cannot list, patch pods, create events in namespace shop`. Pure.
std::string forbidden_message(const std::vector<Right>& missing, const std::string& pod_namespace);

// Owned by the KubernetesTarget.
//
// What is missing by a review is a problem until a later one finds it. A review without a whole answer changes nothing.
class Rights {
 public:
  // A right that is not there as to all objects may be there as to those that matter (`resourceNames` of a Role).
  using Objects = std::function<std::vector<std::string>(const Right&)>;

  // `objects`: their names, where it is known which they are. `given`: a right that was missing is there.
  Rights(Host host, ApiClient& api, std::vector<Right> needed, Objects objects, uint64_t every_ms,
         std::function<void()> given);

  // Asks for each right, and again every now and then. One review at a time.
  void review();

  // A request was refused: reviews soon, but not again and again.
  void refused();

 private:
  void review_by_name();
  void answered(size_t right, std::optional<bool> allowed);
  void finished();
  void show(const std::vector<Right>& missing, const std::string& message);
  void plan(uint64_t after_ms);

  Host host_;
  ApiClient& api_;
  const std::vector<Right> needed_;
  const Objects objects_;
  const uint64_t every_ms_;
  const std::function<void()> given_;
  size_t open_ = 0;
  bool by_name_ = false;  // what is open
  bool unanswered_ = false;
  uint64_t begun_ns_ = 0;
  std::vector<bool> missing_;
  std::string doubted_;
  std::string told_;
  size_t told_missing_ = 0;
  Timer again_;
  Timer soon_;
};

}  // namespace reconciler
