// What a person does to stamps. tests/model has shown that a stamp that is taken off lets an old promotion through.
#include <gtest/gtest.h>

#include "plugins/kubernetes/json_patch.h"
#include "plugins/kubernetes/plan.h"
#include "tests/unit/json_patch_server.h"

namespace reconciler {
namespace {

const LabelRule rule{"valkey-master", "true"};
constexpr char stamp_path[] = "/metadata/annotations/valkey-reconciler.io~1stamp";

// Two instances. One is late: its promotion of pod `b`, which it saw without a stamp, is still under way when the other
// one has fenced all and promoted pod `a`.
class KubernetesRelease : public testing::Test {
 protected:
  KubernetesRelease() {
    for (const char* name : {"a", "b"}) {
      server_.create(name, name == std::string("a") ? "10.0.0.1" : "10.0.0.2");
      // With an annotation of somebody else's, so that the object stays when the stamp goes.
      patch(name, R"([{"op":"add","path":"/metadata/annotations","value":{"other":"x"}}])");
    }
    late_promotion_ = promotion(1, "10.0.0.2", "b");
    const std::string promote_a = promotion(2, "10.0.0.1", "a");
    patch("b", fence_patch(server_.pod("b"), stamp(2, "10.0.0.1", StampKind::fenced), rule));
    patch("a", promote_a);
  }

  Stamp stamp(uint64_t epoch, const std::string& host, StampKind kind) {
    return {{{0, epoch, 0}, host + ":6379"}, kind, ++unique_, "g"};
  }

  // As the deciding code asks for it, on the pods as they are now.
  std::string promotion(uint64_t epoch, const std::string& host, const std::string& name) {
    Pods pods;
    for (const Pod& pod : server_.list()) pods.emplace(pod.name, pod);
    Wanted wanted;
    wanted.group = "g";
    wanted.host = host;
    wanted.port = 6379;
    wanted.claim = {{0, epoch, 0}, host + ":6379"};
    const Plan plan = make_plan(wanted, pods, rule, "shop");
    EXPECT_NE(plan.promote, nullptr);
    EXPECT_EQ(plan.promote->name, name);
    return promote_patch(*plan.promote, stamp(epoch, host, StampKind::promoted), rule);
  }

  void patch(const std::string& name, const std::string& body) {
    EXPECT_TRUE(server_.patch(name, body)) << body;
  }

  JsonPatchServer server_{rule};
  std::string late_promotion_;
  uint64_t unique_ = 0;
};

TEST_F(KubernetesRelease, AStampStopsAnOldPromotion) {
  EXPECT_FALSE(server_.patch("b", late_promotion_));
  EXPECT_EQ(server_.labelled(), 1u);
}

TEST_F(KubernetesRelease, AnOverwrittenStampStopsAnOldPromotion) {
  patch("b", std::string(R"([{"op":"add","path":")") + stamp_path +
                 R"(","value":"released 1764150000.1"}])");
  EXPECT_EQ(server_.pod("b").stamp.state, StampReading::State::released) << "counts as lowest";
  EXPECT_FALSE(server_.patch("b", late_promotion_));
  EXPECT_EQ(server_.labelled(), 1u);
}

// Why README.md says "overwrite": no precondition can tell this pod from the one that was seen.
TEST_F(KubernetesRelease, AStampThatWasTakenOffDoesNot) {
  patch("b", std::string(R"([{"op":"remove","path":")") + stamp_path + R"("}])");
  EXPECT_TRUE(server_.patch("b", late_promotion_));
  EXPECT_EQ(server_.labelled(), 2u);
}

}  // namespace
}  // namespace reconciler
