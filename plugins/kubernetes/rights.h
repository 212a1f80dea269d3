// Whether the account has the rights that are needed, found out before the first failover needs them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plugins/host.h"
#include "plugins/kubernetes/api_client.h"
#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

// Owned by the KubernetesTarget.
class Rights {
 public:
  Rights(Host host, ApiClient& api, const std::vector<Right>& needed);

  // Asks for each right; what is missing is a problem until a later review finds it. One review at a time.
  void review();

 private:
  void answered(size_t right, std::optional<bool> allowed);

  Host host_;
  ApiClient& api_;
  std::vector<Right> needed_;
  size_t open_ = 0;
  bool unanswered_ = false;
  std::vector<bool> missing_;
  std::string doubted_;
  std::string told_;
  Timer again_;
};

}  // namespace reconciler
