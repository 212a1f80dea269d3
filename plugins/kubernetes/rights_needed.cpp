#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {

namespace {

constexpr char discovery[] = "discovery.k8s.io";

}  // namespace

std::vector<Right> rights_needed(const Settings& settings) {
  switch (settings.publish) {
    case Publish::label:
      return {
          {"list", "", "pods", true}, {"watch", "", "pods", false}, {"patch", "", "pods", true}};
    case Publish::endpointslice:
      return {{"list", "", "services", true},
              {"watch", "", "services", false},
              {"list", discovery, "endpointslices", true},
              {"watch", discovery, "endpointslices", false},
              {"create", discovery, "endpointslices", true},
              {"patch", discovery, "endpointslices", true},
              {"list", "", "pods", false},
              {"watch", "", "pods", false}};
    case Publish::service_selector:
      return {{"list", "", "services", true},
              {"watch", "", "services", false},
              {"patch", "", "services", true},
              {"list", "", "pods", true},
              {"watch", "", "pods", false}};
  }
  return {};
}

}  // namespace reconciler
