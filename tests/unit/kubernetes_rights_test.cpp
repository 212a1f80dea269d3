// Which rights each way to publish needs; the files that users apply say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugins/kubernetes/rights_needed.h"

namespace reconciler {
namespace {

std::vector<std::string> needed(Publish publish, bool blocking) {
  Settings settings;
  settings.publish = publish;
  std::vector<std::string> rights;
  for (const Right& right : rights_needed(settings)) {
    if (right.blocking != blocking) continue;
    const std::string group = right.api_group;
    rights.push_back(std::string(right.verb) + " " + right.resource +
                     (group.empty() ? "" : "." + group));
  }
  return rights;
}

TEST(KubernetesRights, AreTheLeastOfEachWay) {
  EXPECT_THAT(needed(Publish::label, true), testing::ElementsAre("list pods", "patch pods"));
  EXPECT_THAT(needed(Publish::endpointslice, true),
              testing::ElementsAre("list services", "list endpointslices.discovery.k8s.io",
                                   "create endpointslices.discovery.k8s.io",
                                   "patch endpointslices.discovery.k8s.io"));
  EXPECT_THAT(needed(Publish::service_selector, true),
              testing::ElementsAre("list services", "patch services", "list pods"));
}

TEST(KubernetesRights, WatchesAreNeverWhatAFailoverWaitsFor) {
  EXPECT_THAT(needed(Publish::label, false), testing::ElementsAre("watch pods"));
  EXPECT_THAT(needed(Publish::service_selector, false),
              testing::ElementsAre("watch services", "watch pods"));
  EXPECT_THAT(needed(Publish::endpointslice, false),
              testing::ElementsAre("watch services", "watch endpointslices.discovery.k8s.io",
                                   "list pods", "watch pods"));
}

}  // namespace
}  // namespace reconciler
