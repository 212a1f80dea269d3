#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

std::vector<Right> rights_needed(const Settings& /*settings*/) {
  return {{"list", "", "pods", true}, {"watch", "", "pods", false}, {"patch", "", "pods", true}};
}

}  // namespace reconciler
