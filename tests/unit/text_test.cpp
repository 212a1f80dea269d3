#include "common/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Utf8, is_what_rfc_3629_says) {
  for (const std::string good : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                 "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << testing::PrintToString(good);
  }
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
  for (const std::string bad :
       {"\x80", "\xff", "\xfe", "\xc3", "\xc3(", "\xe2\x82", "\xe2\x28\xa1", "\xf0\x9f\x98",
        "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xffz"}) {
    EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(JsonString, escapes_what_would_end_or_break_it) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("a\nb\tc\r"), R"("a\nb\u0009c\u000d")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(json_string("ä€😀"), "\"ä€😀\"");
}

TEST(JsonString, replaces_bytes_that_are_no_text) {
  EXPECT_EQ(json_string("a\xff\xc3z"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
}

TEST(Printable, shows_bytes_that_are_no_text_and_control_characters_as_numbers) {
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(printable("ä\xff"), "ä\\xff");
}

TEST(Printable, leaves_nothing_that_moves_a_terminals_cursor) {
  EXPECT_THAT(printable("a\xc2\x9b"
                        "31m"),
              testing::Not(testing::HasSubstr("\xc2\x9b")))
      << "C1 control, the 8-bit CSI";
}

TEST(Split, trims_and_leaves_out_what_is_empty) {
  EXPECT_THAT(split("a,b", ','), ElementsAre("a", "b"));
  EXPECT_THAT(split(" a b ,\t,c\n,", ','), ElementsAre("a b", "c"));
  EXPECT_THAT(split("", ','), IsEmpty());
  EXPECT_THAT(split(" , ,", ','), IsEmpty());
}

TEST(Trim, takes_off_white_space_at_both_ends) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Nearest, finds_what_was_meant) {
  const std::vector<std::string> keys{"level", "format", "poll_interval", "backoff_min",
                                      "backoff_max"};
  EXPECT_EQ(nearest("levl", keys), "level");
  EXPECT_EQ(nearest("fromat", keys), "format");
  EXPECT_EQ(nearest("poll_intervall", keys), "poll_interval");
  EXPECT_EQ(nearest("backoff_maxi", keys), "backoff_max");
}

TEST(Nearest, says_nothing_where_nothing_is_near) {
  EXPECT_EQ(nearest("port", {"level", "format"}), "");
  EXPECT_EQ(nearest("", {"level"}), "");
  EXPECT_EQ(nearest("level", {}), "");
}

}  // namespace
}  // namespace reconciler
