#include <gtest/gtest.h>

#include <string>

#include "plugins/http/base64.h"

namespace reconciler {
namespace {

// RFC 4648, section 10.
TEST(Base64, is_written_and_read_back_whatever_the_padding) {
  const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, keeps_bytes_that_are_zero) {
  const std::string bytes("\0a\0", 3);
  EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
}

TEST(Base64, that_is_none_is_told) {
  for (const char* text : {"Zg", "Zg=", "Zm9v!", "Z!==", "Zm9=v", "====", "A===", "=AAA", "AA=A",
                           "Zm8\n", "Zg==\n\n\n\n", "\n\n\n\n", " Zm8", "Zh=="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace reconciler
