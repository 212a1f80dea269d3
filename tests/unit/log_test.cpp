#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>

#include <algorithm>
#include <string>

namespace reconciler::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t moment = 1'795'448'749'123'456;  // 2026-11-23T15:45:49.123456Z

const Fields all_fields{.group = "myprimary",
                        .target = "kubernetes",
                        .epoch = 3,
                        .revision = 7,
                        .pid = 42,
                        .error = "HTTP 403"};

TEST(LogTime, is_utc_with_microseconds) {
  EXPECT_EQ(format_time(moment), "2026-11-23T15:45:49.123456Z");
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00.000000Z");
}

TEST(LogText, is_a_line_for_people) {
  EXPECT_EQ(
      render(Format::text, "labeler", Level::info, moment, "pod labelled",
             {.group = "myprimary", .target = "kubernetes", .epoch = 3}),
      "2026-11-23T15:45:49.123Z INFO  labeler[kubernetes] pod labelled group=myprimary epoch=3");
  EXPECT_EQ(render(Format::text, "supervisor", Level::error, moment, "child died", all_fields),
            "2026-11-23T15:45:49.123Z ERROR supervisor[kubernetes] child died group=myprimary "
            "epoch=3 revision=7 pid=42 error: HTTP 403");
}

TEST(LogJson, is_an_object_a_line_with_what_is_known) {
  EXPECT_EQ(
      render(Format::json, "supervisor", Level::warning, moment, "hello", {}),
      R"({"time":"2026-11-23T15:45:49.123456Z","level":"warning","process":"supervisor","message":"hello"})");
  EXPECT_EQ(
      render(Format::json, "labeler", Level::debug, moment, "hello", all_fields),
      R"({"time":"2026-11-23T15:45:49.123456Z","level":"debug","process":"labeler","message":"hello",)"
      R"("group":"myprimary","target":"kubernetes","epoch":3,"revision":7,"pid":42,"error":"HTTP 403"})");
}

// Names and errors come from outside.
TEST(Log, cannot_be_made_to_show_a_line_that_nobody_wrote) {
  const std::string forged = "x\n2026-11-23T15:45:49.123Z INFO  supervisor stopped\r\x1b[2K\xff";
  for (const Format format : {Format::text, Format::json}) {
    const std::string line = render(format, "labeler", Level::info, moment, forged,
                                    {.group = forged, .target = forged, .error = forged});
    EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20;
    })) << line;
    EXPECT_THAT(line, Not(HasSubstr("\xff")));
  }
}

TEST(LogJson, cannot_be_made_to_show_a_field_that_nobody_wrote) {
  EXPECT_THAT(render(Format::json, "labeler", Level::info, moment, R"(x","level":"error)", {}),
              HasSubstr(R"("message":"x\",\"level\":\"error"})"));
}

TEST(LogNames, are_read_and_written) {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error})
    EXPECT_EQ(*parse_level(to_string(level)), level);
  for (const Format format : {Format::text, Format::json})
    EXPECT_EQ(*parse_format(to_string(format)), format);
  EXPECT_THAT(parse_level("INFO").error().message(),
              HasSubstr("\"INFO\" is not one of debug, info, warning, error"));
  EXPECT_THAT(parse_format("").error().message(), HasSubstr("is not one of text, json"));
}

TEST(LogWrite, keeps_to_the_level_that_is_configured) {
  configure("supervisor", Level::warning, Format::text);
  testing::internal::CaptureStderr();
  debug("quiet");
  info("quiet");
  warning("loud");
  error("louder");
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);
  EXPECT_THAT(written, Not(HasSubstr("quiet")));
  EXPECT_THAT(written, HasSubstr("WARN  supervisor loud\n"));
  EXPECT_THAT(written, EndsWith("ERROR supervisor louder\n"));
}

TEST(LogWrite, cuts_a_line_to_what_a_pipe_takes_at_once_and_leaves_json_whole) {
  for (const Format format : {Format::text, Format::json}) {
    configure("supervisor", Level::info, format);
    testing::internal::CaptureStderr();
    info(std::string(10'000, '\x01'), {.group = "myprimary"});
    const std::string written = testing::internal::GetCapturedStderr();
    EXPECT_LE(written.size(), static_cast<std::size_t>(PIPE_BUF));
    EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1);
    EXPECT_THAT(written, HasSubstr("myprimary"));
    EXPECT_THAT(written, EndsWith(format == Format::json ? "\"}\n" : "group=myprimary\n"));
  }
}

}  // namespace
}  // namespace reconciler::log
