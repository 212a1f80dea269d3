// What `check` tells of pods and Services.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugins/kubernetes/survey.h"

namespace reconciler {
namespace {

std::vector<Pod> pods(const std::vector<std::string>& names) {
  std::vector<Pod> all;
  for (const std::string& name : names) all.emplace_back().name = name;
  return all;
}

TEST(KubernetesSurvey, PodsOfASelectorAreCountedAndNamed) {
  EXPECT_EQ(matches_message("app=v", pods({}), "shop"),
            "selector app=v matches no pod in namespace shop");
  EXPECT_EQ(matches_message("app=v", pods({"a"}), "shop"),
            "selector app=v matches 1 pod in namespace shop: a");
  EXPECT_EQ(matches_message("app=v", pods({"a", "b", "c", "d", "e", "f", "g"}), "shop"),
            "selector app=v matches 7 pods in namespace shop: a, b, c, d, e and 2 more");
}

TEST(KubernetesSurvey, AServiceSelectsTheLabelByNameAndValue) {
  const LabelRule rule;
  Service one;
  one.name = "one";
  Service other = one;
  EXPECT_EQ(selected_message(rule, {one, other}, "shop"),
            "label valkey-master=true is selected by no Service in namespace shop");
  one.selector = {{"app", "v"}, {"valkey-master", "true"}};
  other.name = "other";
  other.selector = {{"valkey-master", "false"}};
  EXPECT_EQ(selected_message(rule, {one, other}, "shop"),
            "label valkey-master=true is selected by Service one");
}

}  // namespace
}  // namespace reconciler
