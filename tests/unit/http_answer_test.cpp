// How large answers of the supervisor's HTTP are shared: what costs much is made seldom, and readers that
// stand still can't pile it up.

#include "supervisor/http/http_answer.h"

#include <gtest/gtest.h>

#include <vector>

namespace reconciler {
namespace {

HttpAnswer answer_of(std::size_t size) { return {200, "text/plain", std::string(size, 'x')}; }

TEST(SharedAnswersTest, ASmallAnswerIsMadeAnewEachTime) {
  SharedAnswers answers;
  answers.made("/readyz", answer_of(SharedAnswers::large), 0);
  EXPECT_EQ(answers.again("/readyz", 0), nullptr);
  EXPECT_TRUE(answers.empty());
}

TEST(SharedAnswersTest, ALargeOneIsGivenAgainForAWhile) {
  SharedAnswers answers;
  const SharedAnswer made = answers.made("/status", answer_of(SharedAnswers::large + 1), 1'000);
  EXPECT_EQ(answers.again("/status", 1'199), made);
  EXPECT_EQ(answers.again("/metrics", 1'199), nullptr);
  EXPECT_EQ(answers.again("/status", 1'200), nullptr);
}

TEST(SharedAnswersTest, WhatIsOldIsLetGo) {
  SharedAnswers answers;
  std::weak_ptr<const HttpAnswer> made = answers.made("/status", answer_of(1 << 20), 1'000);
  answers.forget(1'100);
  EXPECT_FALSE(made.expired());
  answers.forget(1'200);
  EXPECT_TRUE(made.expired());
  EXPECT_TRUE(answers.empty());
}

TEST(SharedAnswersTest, WhileReadersHoldTooMuchNoMoreIsMade) {
  SharedAnswers answers;
  std::vector<SharedAnswer> readers;
  uint64_t now = 0;
  for (int i = 0; i < 20; ++i, now += SharedAnswers::lasts_ms) {
    SharedAnswer again = answers.again("/status", now);
    readers.push_back(again ? again : answers.made("/status", answer_of(1 << 20), now));
    answers.forget(now);
  }
  EXPECT_EQ(readers[5], readers[19]);
  EXPECT_NE(readers[0], readers[1]);
  EXPECT_EQ(answers.again("/status", now + SharedAnswers::lasts_at_most_ms), nullptr)
      << "it is too old to be shown";
  readers.clear();
  answers.forget(now);
  EXPECT_EQ(answers.again("/status", now), nullptr) << "they have gone";
}

TEST(SharedAnswersTest, WhatIsTooLargeIsMadeAnewAllTheSame) {
  SharedAnswers answers;
  answers.made("/status", answer_of(SharedAnswers::most_held + 1), 0);
  EXPECT_EQ(answers.again("/status", SharedAnswers::lasts_ms), nullptr) << "no reader holds it";
  answers.forget(SharedAnswers::lasts_ms);
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace reconciler
