#include "common/log_repetition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace reconciler::log {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RepetitionTest : public testing::Test {
 protected:
  bool first(const std::string& message, int64_t now_ms, const Fields& fields = {}) {
    return repetition_.first(Line(Level::warning, message, fields), now_ms, due_);
  }

  Repetition repetition_;
  std::vector<Repeated> due_;
};

TEST_F(RepetitionTest, TheFirstIsWrittenAndTheOthersAreCountedForAMinute) {
  EXPECT_TRUE(first("refused", 0));
  for (int i = 1; i <= 57; ++i) EXPECT_FALSE(first("refused", i * 1'000));
  EXPECT_THAT(repetition_.due(59'999), IsEmpty());
  const auto due = repetition_.due(60'000);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].line.message, "refused");
  EXPECT_EQ(due[0].count, 57);
  EXPECT_EQ(due[0].seconds, 60);
}

TEST_F(RepetitionTest, ACountComesEachMinuteWhileItGoesOn) {
  EXPECT_TRUE(first("refused", 0));
  std::vector<uint64_t> counts;
  for (int64_t now_ms = 10'000; now_ms <= 180'000; now_ms += 10'000) {
    EXPECT_FALSE(first("refused", now_ms));
    for (const Repeated& repeated : due_) counts.push_back(repeated.count);
  }
  EXPECT_THAT(counts, testing::ElementsAre(5, 6, 6));
}

TEST_F(RepetitionTest, AfterAMinuteOfSilenceItIsAFirstOneAgain) {
  EXPECT_TRUE(first("refused", 0));
  EXPECT_THAT(repetition_.due(60'000), IsEmpty());
  EXPECT_TRUE(first("refused", 60'001));
}

TEST_F(RepetitionTest, OnlyTheSameLevelAndTextsAreARepetition) {
  const std::vector<Fields> others{
      {.group = "shop"}, {.target = "file"}, {.error = "no such file"}};
  EXPECT_TRUE(first("refused", 0));
  for (const Fields& fields : others) EXPECT_TRUE(first("refused", 0, fields));
  EXPECT_TRUE(first("refused as well", 0));
  EXPECT_TRUE(repetition_.first(Line(Level::error, "refused", {}), 0, due_));
  for (const Fields& fields : others) EXPECT_FALSE(first("refused", 1, fields));
}

TEST_F(RepetitionTest, AnotherCauseIsToldAtOnceButNotWithoutEnd) {
  std::size_t told = 0;
  for (int64_t i = 0; i < 50; ++i)
    told += first("refused", i, {.error = "create file." + std::to_string(i)});
  EXPECT_EQ(told, Repetition::most_causes);
  const auto due = repetition_.due(60'000);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].count, 50 - Repetition::most_causes);
  EXPECT_EQ(due[0].line.error, "create file.49") << "the newest";
  EXPECT_FALSE(first("refused", 60'001, {.error = "create file.49"}));
  EXPECT_TRUE(first("refused", 60'002, {.error = "another cause"})) << "in a new minute";
}

TEST_F(RepetitionTest, NumbersMayDifferAndTheLastAreShown) {
  EXPECT_TRUE(first("refused", 0, {.epoch = 1, .revision = 1, .pid = 1}));
  EXPECT_FALSE(first("refused", 1, {.epoch = 2, .revision = 3, .pid = 4}));
  const auto all = repetition_.forget(5'000);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].line.epoch, 2);
  EXPECT_EQ(all[0].line.revision, 3);
  EXPECT_EQ(all[0].line.pid, 4);
}

TEST_F(RepetitionTest, AtTheEndWhatIsCountedIsTold) {
  EXPECT_TRUE(first("once", 0));
  EXPECT_TRUE(first("thrice", 0));
  EXPECT_FALSE(first("thrice", 1));
  EXPECT_FALSE(first("thrice", 2));
  const auto all = repetition_.forget(12'000);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].line.message, "thrice");
  EXPECT_EQ(all[0].count, 2);
  EXPECT_EQ(all[0].seconds, 12);
  EXPECT_THAT(repetition_.forget(12'000), IsEmpty());
  EXPECT_TRUE(first("thrice", 12'001)) << "a new chapter";
}

TEST_F(RepetitionTest, ManyDifferentLinesPushOutTheOldestWithItsCount) {
  EXPECT_TRUE(first("oldest", 0));
  EXPECT_FALSE(first("oldest", 0));
  std::size_t told = 0;
  for (std::size_t i = 0; i < 10 * Repetition::most_remembered; ++i) {
    EXPECT_TRUE(first("line " + std::to_string(i), 1));
    told += due_.size();
  }
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(first("oldest", 2));
  EXPECT_FALSE(first("line " + std::to_string(10 * Repetition::most_remembered - 1), 2));
}

TEST_F(RepetitionTest, OfMoreGroupsThanAreRememberedTheLinesAreCountedTogether) {
  const std::size_t groups = Repetition::most_remembered + 100;
  std::size_t written = 0;
  const auto all_fail = [&](int64_t now_ms) {
    for (std::size_t i = 0; i < groups; ++i)
      written += first("not applied", now_ms, {.group = "group" + std::to_string(i)});
  };
  all_fail(0);
  EXPECT_EQ(written, Repetition::most_remembered + 1);
  for (int64_t now_ms = 5'000; now_ms < 60'000; now_ms += 5'000) all_fail(now_ms);
  EXPECT_LE(written, Repetition::most_remembered + 2) << "the one that made room counts with them";
  uint64_t together = 0;
  for (const Repeated& repeated : repetition_.due(60'000)) {
    if (repeated.line.group.empty()) together += repeated.count;
  }
  EXPECT_GE(together, 11 * 100u);
}

TEST_F(RepetitionTest, TextsWithoutEndAreNotRemembered) {
  EXPECT_TRUE(first(std::string(1'000'000, 'x'), 0));
  EXPECT_FALSE(first(std::string(1'000'000, 'x'), 1));
  EXPECT_LE(repetition_.forget(2)[0].line.message.size(), 1'024);
}

TEST(RepeatedLine, TellsItsCountInBothFormats) {
  const Line line(Level::warning, "not applied", {.target = "file", .error = "full"});
  EXPECT_EQ(render(Format::text, "labeler", 0, {line, 57, 60}),
            "1970-01-01T00:00:00.000Z WARN  labeler[file] not applied "
            "(repeated 57 times in the last minute) error: full");
  EXPECT_THAT(render(Format::text, "labeler", 0, {line, 1, 12}),
              HasSubstr("not applied (repeated 1 time in the last 12 s) error: full"));
  EXPECT_EQ(render(Format::json, "labeler", 0, {line, 57, 60}),
            R"({"time":"1970-01-01T00:00:00.000000Z","level":"warning","process":"labeler",)"
            R"("message":"not applied","target":"file","error":"full",)"
            R"("repeated":57,"repeated_seconds":60})");
}

TEST(RepeatedLine, IsHeldBackByTheLogOfEachProcess) {
  configure("supervisor", Level::info, Format::text);
  write_all_counts();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i) warning("again and again");
  for (int i = 0; i < 3; ++i) info("news are news");
  const std::string before = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(before.begin(), before.end(), '\n'), 4) << before;
  testing::internal::CaptureStderr();
  write_due_counts();
  write_all_counts();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("WARN  supervisor again and again (repeated 4 times in the last 1 s)\n"));
}

}  // namespace
}  // namespace reconciler::log
