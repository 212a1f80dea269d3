// What operators want, as the supervisor asks it of targets: answered once for all of them.
#include "supervisor/orders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/uv/handle.h"

namespace reconciler {
namespace {

class OrdersTest : public testing::Test {
 protected:
  uint64_t add(const std::vector<std::string>& targets) {
    return orders_.add(
        targets, [this](const Result<std::string>& document) { answers_.push_back(*document); });
  }

  uv::Loop loop_;
  Orders orders_{loop_.get()};
  std::vector<std::string> answers_;
};

TEST_F(OrdersTest, AreAnsweredWhenEachTargetHas) {
  const uint64_t number = add({"file", "kubernetes"});
  orders_.answer("kubernetes", {number, ipc::OutcomeKind::applied, ""});
  EXPECT_TRUE(answers_.empty());
  orders_.answer("file", {number, ipc::OutcomeKind::rejected, "not supported by this target"});
  EXPECT_THAT(
      answers_,
      testing::ElementsAre(
          R"({"targets":[{"target":"file","outcome":"refused","reason":"not supported by this target"},)"
          R"({"target":"kubernetes","outcome":"done","reason":""}]})"));
}

TEST_F(OrdersTest, AreNotDoneByALabelerThatDies) {
  add({"file"});
  orders_.target_down("kubernetes", "it died");
  EXPECT_TRUE(answers_.empty());
  orders_.target_down("file", "it died");
  EXPECT_THAT(
      answers_,
      testing::ElementsAre(
          R"({"targets":[{"target":"file","outcome":"not done","reason":"its labeler: it died"}]})"));
}

TEST_F(OrdersTest, DoNotTakeOneAnswerForAnother) {
  const uint64_t first = add({"file"});
  const uint64_t second = add({"file"});
  orders_.answer("file", {second, ipc::OutcomeKind::applied, ""});
  orders_.answer("file", {second, ipc::OutcomeKind::applied, ""});
  orders_.answer("other", {first, ipc::OutcomeKind::applied, ""});
  orders_.answer("file", {first + 7, ipc::OutcomeKind::applied, ""});
  EXPECT_EQ(answers_.size(), 1u);
  orders_.answer("file", {first, ipc::OutcomeKind::retry, "no answer"});
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_THAT(answers_.back(), testing::HasSubstr(R"("outcome":"not done","reason":"no answer")"));
}

}  // namespace
}  // namespace reconciler
