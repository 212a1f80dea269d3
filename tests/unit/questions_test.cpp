// What people ask of children: each question is answered once, and by nobody but the one that was asked.
#include "supervisor/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/uv/handle.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class QuestionsTest : public testing::Test {
 protected:
  uint64_t ask(const std::string& child) {
    return questions_.add(child, [this](const Result<std::string>& answer) {
      answers_.push_back(answer ? *answer : "none: " + answer.error().message());
    });
  }

  uv::Loop loop_;
  Questions questions_{loop_.get()};
  std::vector<std::string> answers_;
};

TEST_F(QuestionsTest, AreAnsweredOnce) {
  const uint64_t number = ask("sentinel-watcher");
  questions_.answer("sentinel-watcher", number, std::string("{}"));
  questions_.answer("sentinel-watcher", number, std::string("again"));
  EXPECT_THAT(answers_, ElementsAre("{}"));
}

TEST_F(QuestionsTest, AreAnsweredByNobodyElse) {
  const uint64_t number = ask("sentinel-watcher");
  questions_.answer("kubernetes", number, std::string("a lie"));
  EXPECT_THAT(answers_, IsEmpty());
  questions_.answer("sentinel-watcher", number, std::string("{}"));
  EXPECT_THAT(answers_, ElementsAre("{}"));
}

TEST_F(QuestionsTest, AreGivenUpWithTheOneThatWasAskedAlone) {
  ask("sentinel-watcher");
  const uint64_t number = ask("kubernetes");
  questions_.give_up("sentinel-watcher", Error("it died"));
  EXPECT_THAT(answers_, ElementsAre("none: it died"));
  questions_.answer("kubernetes", number, std::string("{}"));
  EXPECT_THAT(answers_, ElementsAre("none: it died", "{}"));
}

TEST_F(QuestionsTest, AreWaitedForNoLongerThanPeopleDo) {
  const uint64_t begun = uv_hrtime();
  ask("kubernetes");
  loop_.run();  // until nothing is open
  EXPECT_THAT(answers_, ElementsAre("none: kubernetes does not answer within 2 s"));
  EXPECT_GE(uv_hrtime() - begun, (answer_patience_ms - 50) * 1'000'000);
}

}  // namespace
}  // namespace reconciler
