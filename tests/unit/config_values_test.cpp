// The texts that mean something: durations, addresses, names.
#include "common/config/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reconciler {
namespace {

using testing::HasSubstr;

TEST(Durations, have_a_unit) {
  EXPECT_EQ(*parse_duration("250ms"), 250);
  EXPECT_EQ(*parse_duration("10s"), 10'000);
  EXPECT_EQ(*parse_duration("5m"), 300'000);
  EXPECT_EQ(*parse_duration("1h"), 3'600'000);
  EXPECT_EQ(*parse_duration("0s"), 0);
}

TEST(Durations, of_other_forms_are_refused) {
  for (const char* text : {"", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "5d",
                           "1h30m", "5sms", "99999999999999999999s", "9223372036854775807h"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("expected a duration such as")) << text;
  }
}

TEST(Durations, are_written_in_the_largest_unit_that_divides_them) {
  EXPECT_EQ(format_duration(250), "250ms");
  EXPECT_EQ(format_duration(1'000), "1s");
  EXPECT_EQ(format_duration(1'500), "1500ms");
  EXPECT_EQ(format_duration(90'000), "90s");
  EXPECT_EQ(format_duration(120'000), "2m");
  EXPECT_EQ(format_duration(7'200'000), "2h");
  EXPECT_EQ(format_duration(0), "0s");
}

struct AddressCase {
  const char* text;
  const char* host;
  int port;  // 0: none
};

TEST(Addresses, come_with_or_without_a_port) {
  for (const AddressCase& wanted : {AddressCase{"valkey", "valkey", 0},
                                    {"valkey:1", "valkey", 1},
                                    {"valkey-0.valkey_headless.shop.svc.cluster.local.:65535",
                                     "valkey-0.valkey_headless.shop.svc.cluster.local.", 65'535},
                                    {"10.0.0.7", "10.0.0.7", 0},
                                    {"10.0.0.7:26379", "10.0.0.7", 26'379},
                                    {"[fd00::7]:26379", "fd00::7", 26'379},
                                    {"[fd00::7]", "fd00::7", 0},
                                    {"fd00::7", "fd00::7", 0},
                                    {"FD00:0:0::0007", "fd00::7", 0},
                                    {"::1", "::1", 0},
                                    {"::ffff:10.0.0.7", "::ffff:10.0.0.7", 0},
                                    {"7up", "7up", 0},
                                    {"0x7f.example", "0x7f.example", 0}}) {
    const auto parsed = parse_address(wanted.text);
    ASSERT_TRUE(parsed.ok()) << wanted.text << ": " << parsed.error().message();
    EXPECT_EQ(parsed->host, wanted.host) << wanted.text;
    EXPECT_EQ(parsed->port.value_or(0), wanted.port) << wanted.text;
  }
}

TEST(Addresses, of_other_forms_are_refused_and_say_what_was_expected) {
  const std::string long_label(64, 'a');
  for (const std::string& text : {std::string(""),
                                  std::string(":26379"),
                                  std::string("valkey:"),
                                  std::string("valkey:0"),
                                  std::string("valkey:65536"),
                                  std::string("valkey:+1"),
                                  std::string("valkey: 1"),
                                  std::string("valkey:1a"),
                                  std::string("valkey:000001"),
                                  std::string("a:b:c"),
                                  std::string("[valkey]:1"),
                                  std::string("[10.0.0.7]:1"),
                                  std::string("[fd00::7]26379"),
                                  std::string("[fd00::7"),
                                  std::string("[]:1"),
                                  std::string("fd00::7]:1"),
                                  std::string("10.0.0.256"),
                                  std::string("10.0.0"),
                                  std::string("1234"),
                                  std::string("-valkey"),
                                  std::string("valkey-"),
                                  std::string("a..b"),
                                  std::string("."),
                                  std::string("a b"),
                                  std::string("a/b"),
                                  std::string("http://a"),
                                  std::string("v\n"),
                                  std::string("ä"),
                                  std::string("fe80::1%eth0"),
                                  long_label,
                                  std::string("a.") + std::string(260, 'b')}) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("; expected ")) << text;
  }
}

TEST(ListenAddresses, are_an_ip_address_with_a_port) {
  EXPECT_EQ(*parse_listen_address("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(*parse_listen_address("[::]:8080"), "[::]:8080");
  EXPECT_EQ(*parse_listen_address("[0:0::1]:1"), "[::1]:1");
  for (const char* text : {"", "8080", ":8080", "localhost:8080", "127.0.0.1", "::1:8080", "[::1]",
                           "[127.0.0.1]:1", "[::1]:0"}) {
    const auto parsed = parse_listen_address(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("expected")) << text;
  }
}

TEST(WholeNumbers, are_digits_alone) {
  EXPECT_EQ(*parse_integer("-42"), -42);
  for (const char* text :
       {"", "-", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "9223372036854775808"}) {
    EXPECT_FALSE(parse_integer(text).ok()) << text;
  }
}

TEST(Names, are_short_and_plain) {
  for (const char* name : {"main", "a", "0", "shop-eu.1_b"}) EXPECT_TRUE(is_name(name)) << name;
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string(".a"), std::string("a b"), std::string("a/b"),
        std::string("ä"), std::string("a\n"), std::string(64, 'a')}) {
    EXPECT_FALSE(is_name(name)) << name;
  }
}

TEST(Hosts, are_the_same_in_either_case_and_with_a_dot_at_the_end) {
  EXPECT_TRUE(same_host("Valkey.example", "valkey.Example."));
  EXPECT_FALSE(same_host("valkey", "valkey.example"));
}

TEST(Quotes, show_no_control_characters_and_cut_between_characters) {
  EXPECT_EQ(quote("a\n\"b"), R"("a\n\"b")");
  const std::string cut = quote(std::string(79, 'a') + "\xc3\xa4\xc3\xa4");
  EXPECT_EQ(cut, "\"" + std::string(79, 'a') + "\"...");
}

}  // namespace
}  // namespace reconciler
