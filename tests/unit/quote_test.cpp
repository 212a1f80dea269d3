#include <gtest/gtest.h>

#include <string>

#include "plugins/http/quote.h"

namespace reconciler {
namespace {

TEST(Quote, is_the_first_line_of_what_was_said) {
  EXPECT_EQ(quote("no\nmore"), "no");
  EXPECT_EQ(quote(""), "");
  EXPECT_EQ(quote(std::string(5000, 'x')), std::string(200, 'x'));
}

TEST(Quote, cannot_forge_a_line_nor_be_another_encoding) {
  EXPECT_EQ(quote("busy\xff\x1b[31m\r"), "busy\\xff\\x1b[31m\\x0d");
}

}  // namespace
}  // namespace reconciler
