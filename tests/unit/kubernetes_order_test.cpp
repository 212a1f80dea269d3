// What an operator's orders write, and what a dry run says.
#include <gtest/gtest.h>

#include "plugins/kubernetes/dry_run.h"
#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/operator_order.h"
#include "plugins/kubernetes/replica_plan.h"
#include "tests/unit/json_patch_server.h"
#include "tests/unit/kubernetes_plan_fixture.h"

namespace reconciler {
namespace {

const LabelRule rule{"valkey-master", "true"};

OperatorOrder wish(vr_order_kind kind, const char* reason = "", uint64_t unique = 1) {
  const vr_order order{sizeof(vr_order), kind, "g", "jane", reason};
  return operator_order(order, unique);
}

class KubernetesOrder : public testing::Test {
 protected:
  KubernetesOrder() { server_.create("a", "10.0.0.1"); }

  bool obey(const OperatorOrder& order) {
    const std::optional<Pod> pod = server_.patch("a", order_patch(server_.pod("a"), order));
    return pod && obeys(*pod, order);
  }
  void promote() {
    const Stamp stamp{{{0, 5, 0}, "10.0.0.1:6379"}, StampKind::promoted, 9, "g"};
    EXPECT_TRUE(server_.patch("a", promote_patch(server_.pod("a"), stamp, rule)));
  }

  JsonPatchServer server_{rule};
};

TEST_F(KubernetesOrder, APauseIsAnAnnotationWithWhoAndWhy) {
  EXPECT_TRUE(obey(wish(VR_PAUSE, "until 10:00")));  // of a pod without annotations, too
  EXPECT_EQ(server_.pod("a").paused(), "by jane: until 10:00");
  EXPECT_TRUE(obey(wish(VR_PAUSE)));
  EXPECT_EQ(server_.pod("a").paused(), "by jane");
  EXPECT_TRUE(obey(wish(VR_RESUME)));
  EXPECT_EQ(server_.pod("a").paused(), "");
}

TEST_F(KubernetesOrder, APauseLeavesLabelAndStampAsTheyAre) {
  promote();
  const std::string stamp = server_.pod("a").stamp.text;
  EXPECT_TRUE(obey(wish(VR_PAUSE)));
  EXPECT_TRUE(obey(wish(VR_RESUME)));
  EXPECT_EQ(server_.pod("a").stamp.text, stamp);
  EXPECT_TRUE(server_.pod("a").carries(rule));
}

TEST_F(KubernetesOrder, AReleasedStampCountsAsLowestAndIsInNoOtherOrder) {
  promote();
  EXPECT_TRUE(obey(wish(VR_RELEASE, "", 1)));
  EXPECT_EQ(server_.pod("a").stamp.state, StampReading::State::released);
  EXPECT_TRUE(server_.pod("a").carries(rule));
  EXPECT_FALSE(obeys(server_.pod("a"), wish(VR_RELEASE, "", 2)));
}

TEST_F(KubernetesOrder, IsRefusedByAPodThatHasChangedSince) {
  for (const vr_order_kind kind : {VR_PAUSE, VR_RELEASE}) {
    const std::string old = order_patch(server_.pod("a"), wish(kind));
    promote();
    EXPECT_FALSE(server_.patch("a", old));
    const std::string older = order_patch(server_.pod("a"), wish(kind));
    server_.remove("a");
    server_.create("a", "10.0.0.1");
    EXPECT_FALSE(server_.patch("a", older));
  }
}

// Whose annotations are to be added as a whole would lose what somebody has put there meanwhile.
TEST_F(KubernetesOrder, DoesNotOverwriteAnnotationsThatCameMeanwhile) {
  const std::string old = order_patch(server_.pod("a"), wish(VR_PAUSE));
  EXPECT_TRUE(
      server_.patch("a", R"([{"op":"add","path":"/metadata/annotations","value":{"x":"y"}}])"));
  EXPECT_FALSE(server_.patch("a", old));
  EXPECT_TRUE(obey(wish(VR_PAUSE)));
}

// By whoever has not heard of the pause yet.
TEST_F(KubernetesOrder, NothingThatWasDecidedBeforeAPauseGoesThroughAfterIt) {
  const LabelRule both{"valkey-master", "true", {"valkey-replica", "true", ""}};
  const Stamp promotion{{{0, 6, 0}, "10.0.0.1:6379"}, StampKind::promoted, 10, "g"};
  const Stamp fence{{{0, 6, 0}, "10.0.0.2:6379"}, StampKind::fenced, 11, "g"};
  promote();
  for (const vr_order_kind kind : {VR_PAUSE, VR_RESUME}) {
    const Pod seen = server_.pod("a");
    EXPECT_TRUE(obey(wish(kind)));
    EXPECT_FALSE(server_.patch("a", promote_patch(seen, promotion, rule)));
    EXPECT_FALSE(server_.patch("a", fence_patch(seen, fence, rule)));
    EXPECT_FALSE(server_.patch("a", replica_patch(seen, both, true)));
  }
  EXPECT_TRUE(server_.patch("a", fence_patch(server_.pod("a"), fence, rule)));
}

// What has to be finished, since the label is off already, knows that it is paused.
TEST_F(KubernetesOrder, WhatWasDecidedInViewOfAPauseGoesThrough) {
  EXPECT_TRUE(obey(wish(VR_PAUSE)));
  promote();
  EXPECT_TRUE(server_.pod("a").carries(rule));
}

class KubernetesDryRun : public KubernetesPlanTest {
 protected:
  std::string words(uint64_t epoch, const std::string& primary) {
    return in_words(plan(epoch, primary), rule_, "shop");
  }
};

TEST_F(KubernetesDryRun, NamesEachPodAndWhatWouldBecomeOfIt) {
  EXPECT_EQ(words(1, "a"), "fence pods shop/b, shop/c, then label pod shop/a valkey-master=true");
  promoted("a", 1);
  fenced("b", 1, "a");
  fenced("c", 1, "a");
  EXPECT_EQ(words(1, "a"), "");
  EXPECT_EQ(
      words(2, "b"),
      "take the label valkey-master off pod shop/a, then label pod shop/b valkey-master=true");
}

TEST_F(KubernetesDryRun, NamesTenPodsAtTheMost) {
  for (int i = 0; i < 12; ++i) {
    Pod pod = pods_.at("b");
    pod.name = "d" + std::to_string(i);
    pod.uid = pod.name;
    pods_.emplace(pod.name, pod);
  }
  const std::string text = words(1, "a");
  EXPECT_NE(text.find(" and 4 more, then label pod shop/a"), std::string::npos) << text;
}

TEST_F(KubernetesDryRun, TellsOfLabelsOfReplicas) {
  const LabelRule both{"valkey-master", "true", {"valkey-replica", "true", ""}};
  Wanted asked = wanted({0, 1, 0}, "a");
  asked.replicas = {{"10.0.0.2", 6379}};
  promoted("a", 1);
  pods_.at("c").replica_label = "true";
  const Replicas replicas = find_replicas(asked, pods_, "shop");
  EXPECT_EQ(
      in_words(plan_replica_labels(replicas, asked, pods_, both), both, "shop"),
      "label pod shop/b valkey-replica=true, and take the label valkey-replica off pod shop/c");
  EXPECT_EQ(in_words(std::vector<Relabelling>(), both, "shop"), "");
}

}  // namespace
}  // namespace reconciler
