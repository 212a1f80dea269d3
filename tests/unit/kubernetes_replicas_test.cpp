// The label of replicas: whose it is, and what is sent.
#include <gmock/gmock.h>

#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/replica_plan.h"
#include "tests/unit/kubernetes_plan_fixture.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const LabelRule own{"valkey-master", "true", {"valkey-replica", "yes", ""}};
const LabelRule shared{"role", "primary", {"role", "replica", ""}};

class KubernetesReplicas : public KubernetesPlanTest {
 protected:
  void mark(const std::string& pod, const std::string& value) {
    pods_.at(pod).replica_label = value;
  }
  // `a+` is to be marked, `a-` is not, and each says something else now.
  std::vector<std::string> relabelled(const Wanted& wanted, const LabelRule& rule) {
    std::vector<std::string> names;
    for (const Relabelling& each :
         plan_replica_labels(find_replicas(wanted, pods_, "shop"), wanted, pods_, rule)) {
      names.push_back(each.pod->name + (each.is_replica ? "+" : "-"));
    }
    return names;
  }
  Wanted wanted_with(const std::string& primary, const std::vector<std::string>& replicas) {
    Wanted result = wanted({0, 1, 0}, primary);
    for (const std::string& pod : replicas) {
      result.replicas.push_back({"10.0.0." + std::to_string(pod[0] - 'a' + 1), 6379});
    }
    return result;
  }
};

TEST_F(KubernetesReplicas, HealthyOnesAreMarkedAndOthersAreNot) {
  promoted("a", 1);
  mark("c", "yes");
  EXPECT_THAT(relabelled(wanted_with("a", {"b"}), own), ElementsAre("b+", "c-"));
  mark("b", "yes");
  EXPECT_THAT(relabelled(wanted_with("a", {"b", "c"}), own), ElementsAre());
}

TEST_F(KubernetesReplicas, WhatCarriesTheLabelOfThePrimaryIsNone) {
  promoted("a", 1);
  mark("a", "yes");
  EXPECT_THAT(relabelled(wanted_with("b", {"a", "b"}), own), ElementsAre("a-"));
}

TEST_F(KubernetesReplicas, ASharedLabelOfThePrimaryIsLeftToTheFences) {
  promoted("a", 1);
  pods_.at("a").label = pods_.at("a").replica_label = "primary";
  EXPECT_THAT(relabelled(wanted_with("b", {"a", "c"}), shared), ElementsAre("c+"));
}

TEST_F(KubernetesReplicas, OtherwiseIsSaidOnEveryOtherPod) {
  LabelRule rule = own;
  rule.replica.otherwise = "no";
  mark("b", "yes");
  EXPECT_THAT(relabelled(wanted_with("a", {"b"}), rule), ElementsAre("a-", "c-"));
}

TEST_F(KubernetesReplicas, PodsOfAnotherGroupAndVanishingOnesAreLeftAlone) {
  stamp("b", StampKind::fenced, 1, "a", 0, "other");
  pods_.at("c").vanishing = true;
  EXPECT_THAT(relabelled(wanted_with("a", {"b", "c"}), own), ElementsAre());
  EXPECT_THAT(find_replicas(wanted_with("a", {"b"}), pods_, "shop").without_pod,
              ElementsAre("no pod of the group is 10.0.0.2:6379"));
}

TEST_F(KubernetesReplicas, APatchOfTheirLabelAloneWritesNoStamp) {
  fenced("b", 1, "a");
  const std::string stamp = pods_.at("b").stamp.text;
  EXPECT_EQ(replica_patch(pods_.at("b"), own, true),
            R"([{"op":"test","path":"/metadata/uid","value":"uid-b"},)"
            R"({"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1stamp","value":")" +
                stamp +
                R"("},{"op":"test","path":"/metadata/annotations/valkey-reconciler.io~1paused",)"
                R"("value":null},)"
                R"({"op":"add","path":"/metadata/labels/valkey-replica","value":"yes"}])");
}

TEST_F(KubernetesReplicas, APatchOfASharedLabelTestsWhatWasSeen) {
  EXPECT_THAT(replica_patch(pods_.at("b"), shared, true),
              HasSubstr(R"({"op":"test","path":"/metadata/labels/role","value":null},)"
                        R"({"op":"add","path":"/metadata/labels/role","value":"replica"})"));
  pods_.at("b").label = "other";
  EXPECT_THAT(replica_patch(pods_.at("b"), shared, false),
              HasSubstr(R"({"op":"test","path":"/metadata/labels/role","value":"other"},)"
                        R"({"op":"add","path":"/metadata/labels/role","value":""},)"
                        R"({"op":"remove","path":"/metadata/labels/role"})"));
}

TEST_F(KubernetesReplicas, AFenceFailsOfASharedLabelOnlyWhereItTakesTheToken) {
  pods_.at("a").label = "primary";
  EXPECT_THAT(fence_patch(pods_.at("a"), {}, shared, true),
              HasSubstr(R"({"op":"test","path":"/metadata/labels/role","value":"primary"},)"
                        R"({"op":"add","path":"/metadata/labels/role","value":"replica"})"));
  pods_.at("b").label = "replica";
  EXPECT_THAT(fence_patch(pods_.at("b"), {}, shared, false),
              Not(HasSubstr(R"({"op":"test","path":"/metadata/labels)")));
}

TEST_F(KubernetesReplicas, APromotionMakesItNoReplicaInTheSameWrite) {
  EXPECT_THAT(promote_patch(pods_.at("a"), {}, own),
              HasSubstr(R"({"op":"add","path":"/metadata/labels/valkey-master","value":"true"},)"
                        R"({"op":"add","path":"/metadata/labels/valkey-replica","value":""},)"
                        R"({"op":"remove","path":"/metadata/labels/valkey-replica"})"));
}

TEST_F(KubernetesReplicas, AFenceOfASharedLabelIsConfirmedByAnyOtherValue) {
  const Stamp fence{{{0, 3, 0}, "10.0.0.7:6379"}, StampKind::fenced, 9, "g"};
  Pod answer = pods_.at("a");
  answer.stamp = read_stamp(format_stamp(fence));
  answer.label = "replica";
  EXPECT_TRUE(shows(answer, pods_.at("a"), fence, shared));
  answer.label = "primary";
  EXPECT_FALSE(shows(answer, pods_.at("a"), fence, shared));
}

TEST_F(KubernetesReplicas, WhatIsUndoneIsWrittenLaterAndLater) {
  EXPECT_EQ(patience_ms(0), 1000U);
  EXPECT_EQ(patience_ms(1), 1000U);
  EXPECT_EQ(patience_ms(2), 2000U);
  EXPECT_EQ(patience_ms(9), 256000U);
  EXPECT_EQ(patience_ms(10), 300000U);
  EXPECT_EQ(patience_ms(1000), 300000U);
}

}  // namespace
}  // namespace reconciler
