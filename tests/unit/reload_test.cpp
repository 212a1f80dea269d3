// When a configuration file is read again.

#include "supervisor/reload_news.h"

#include <gtest/gtest.h>

namespace reconciler {
namespace {

const FileText before{true, "before"};
const FileText half{true, "aft"};
const FileText after{true, "after"};
const FileText gone{false, "No such file or directory"};

class FileNewsTest : public testing::Test {
 protected:
  // Looks when it is due, and finds this.
  bool due_look(const FileText& text) {
    const int64_t now = news_.due();
    news_.looking(now);
    return news_.found(text, false, now);
  }

  FileNews news_{before, 0, {.settle = 250, .poll = 10'000}};
};

TEST_F(FileNewsTest, WithoutAChangeItLooksOnceInAWhile) {
  EXPECT_EQ(news_.due(), 10'000);
  EXPECT_FALSE(due_look(before));
  EXPECT_EQ(news_.due(), 20'000);
}

TEST_F(FileNewsTest, AnotherTextIsNewsWhenItWasSeenTwice) {
  news_.changed(1'000);
  EXPECT_EQ(news_.due(), 1'250);
  EXPECT_FALSE(due_look(after));
  EXPECT_EQ(news_.due(), 1'500);
  EXPECT_TRUE(due_look(after));
  EXPECT_EQ(news_.due(), 11'500);
}

TEST_F(FileNewsTest, TheSameTextIsNoNewsHoweverOftenItIsWritten) {
  for (int i = 0; i < 5; ++i) {
    news_.changed(news_.due() - 5'000);
    EXPECT_FALSE(due_look(before));
  }
}

TEST_F(FileNewsTest, NewsAreToldOnce) {
  news_.changed(0);
  due_look(after);
  EXPECT_TRUE(due_look(after));
  news_.changed(news_.due());
  EXPECT_FALSE(due_look(after));
  EXPECT_FALSE(due_look(after));
}

TEST_F(FileNewsTest, HalfAWriteIsNoNews) {
  news_.changed(0);
  EXPECT_FALSE(due_look(half));
  EXPECT_FALSE(due_look(after));
  EXPECT_TRUE(due_look(after));
}

TEST_F(FileNewsTest, AWriteThatPausesForLongIsReadAgainWhenItIsWhole) {
  news_.changed(0);
  due_look(half);
  EXPECT_TRUE(due_look(half));
  news_.changed(5'000);
  due_look(after);
  EXPECT_TRUE(due_look(after));
}

TEST_F(FileNewsTest, AFileThatIsGoneForAMomentIsNoNews) {
  news_.changed(0);
  EXPECT_FALSE(due_look(gone));
  EXPECT_FALSE(due_look(before));
  EXPECT_EQ(news_.due(), 500 + 10'000) << "nothing is left to be waited for";
}

TEST_F(FileNewsTest, AFileThatIsGoneIsNewsAndSoIsItsReturn) {
  news_.changed(0);
  due_look(gone);
  EXPECT_TRUE(due_look(gone));
  news_.changed(5'000);
  due_look(before);
  EXPECT_TRUE(due_look(before));
}

TEST_F(FileNewsTest, WhatThePollFindsHasToSettleToo) {
  EXPECT_FALSE(due_look(after));
  EXPECT_EQ(news_.due(), 10'250);
  EXPECT_TRUE(due_look(after));
}

TEST_F(FileNewsTest, AChangeDuringALookWantsAnotherOne) {
  news_.changed(1'000);
  news_.looking(1'250);
  news_.changed(1'251);
  EXPECT_FALSE(news_.found(before, false, 1'252));
  EXPECT_EQ(news_.due(), 1'501);
}

TEST_F(FileNewsTest, ChangesWithoutEndPostponeNothing) {
  for (int64_t now = 0; now < 250; now += 10) news_.changed(now);
  EXPECT_EQ(news_.due(), 250);
}

TEST_F(FileNewsTest, WhatSomebodyAsksForIsNewsAtOnce) {
  news_.looking(7);
  EXPECT_TRUE(news_.found(before, true, 8));
  news_.changed(1'000);
  news_.looking(1'100);
  EXPECT_TRUE(news_.found(after, true, 1'101));
  news_.changed(1'200);
  EXPECT_FALSE(due_look(after)) << "it was taken already";
}

TEST(ConcernsFile, IsItsNameAndTheFirstStepOfItsLink) {
  EXPECT_TRUE(concerns_file("it.toml", "it.toml", ""));
  EXPECT_FALSE(concerns_file("other.toml", "it.toml", ""));
  EXPECT_TRUE(concerns_file("..data", "it.toml", "..data/it.toml"));
  EXPECT_TRUE(concerns_file("it.toml", "it.toml", "..data/it.toml"));
  EXPECT_FALSE(concerns_file("..data_tmp", "it.toml", "..data/it.toml"));
  EXPECT_TRUE(concerns_file("real.toml", "it.toml", "real.toml"));
  EXPECT_FALSE(concerns_file("elsewhere", "it.toml", "/elsewhere/it.toml"));
}

}  // namespace
}  // namespace reconciler
