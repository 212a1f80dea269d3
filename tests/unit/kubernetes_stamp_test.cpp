#include <gtest/gtest.h>

#include "plugins/address.h"
#include "plugins/kubernetes/stamp.h"

namespace reconciler {
namespace {

Stamp example() {
  return {{{0, 3, 0}, "10.244.0.11:6379"}, StampKind::promoted, 0x9f86d081884c7d65, "myprimary"};
}

TEST(KubernetesStamp, IsWrittenAsDocumented) {
  EXPECT_EQ(format_stamp(example()),
            "v1 0.3.0 10.244.0.11:6379 promoted 9f86d081884c7d65 myprimary");
}

TEST(KubernetesStamp, ReadsWhatItWrote) {
  Stamp stamp = example();
  stamp.claim = {{4294967295u, 18446744073709551615u, 7}, "[fd00::7]:6379"};
  stamp.kind = StampKind::fenced;
  stamp.unique = 1;
  stamp.group = "a group / of \"any\" bytes \xff%\n";
  const std::string text = format_stamp(stamp);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const StampReading reading = read_stamp(text);
  ASSERT_EQ(reading.state, StampReading::State::read) << *reading.problem;
  EXPECT_EQ(reading.text, text);
  EXPECT_EQ(reading.stamp->claim, stamp.claim);
  EXPECT_EQ(reading.stamp->kind, stamp.kind);
  EXPECT_EQ(reading.stamp->unique, stamp.unique);
  EXPECT_EQ(reading.stamp->group, stamp.group);
}

TEST(KubernetesStamp, IgnoresFieldsThatALaterProgramAdded) {
  const StampReading reading = read_stamp("v1 1.2.3 h:1 fenced 0a g something=new more");
  ASSERT_EQ(reading.state, StampReading::State::read);
  EXPECT_EQ(reading.stamp->group, "g");
}

TEST(KubernetesStamp, TakesAnUnknownVersionForNewer) {
  for (const char* text : {"v2 whatever", "v2", "v17 0.1.0 a:1 fenced 1 g"}) {
    EXPECT_EQ(read_stamp(text).state, StampReading::State::newer_format) << text;
  }
}

TEST(KubernetesStamp, RefusesWhatIsNoStamp) {
  for (const std::string& text : {std::string(),
                                  std::string("true"),
                                  std::string("v"),
                                  std::string("v0 0.1.0 a:1 fenced 1 g"),
                                  std::string("v-1 x"),
                                  std::string("v1"),
                                  std::string("v1 0.1.0"),
                                  std::string("v1 0.1 a:1 fenced 1 g"),
                                  std::string("v1 0..1 a:1 fenced 1 g"),
                                  std::string("v1 -1.1.0 a:1 fenced 1 g"),
                                  std::string("v1 4294967296.1.0 a:1 fenced 1 g"),
                                  std::string("v1 0.18446744073709551616.0 a:1 fenced 1 g"),
                                  std::string("v1 0.1.0  fenced 1 g"),
                                  std::string("v1 0.1.0 a:1 labelled 1 g"),
                                  std::string("v1 0.1.0 a:1 fenced xyz g"),
                                  std::string("v1 0.1.0 a:1 fenced 1 "),
                                  std::string("v1 0.1.0 a%1 fenced 1 g"),
                                  std::string("v1 0.1.0 a%zz fenced 1 g"),
                                  std::string("v99999999999999999999 x"),
                                  std::string(5000, 'v')}) {
    const StampReading reading = read_stamp(text);
    EXPECT_EQ(reading.state, StampReading::State::malformed) << text;
    EXPECT_EQ(reading.text, text);
    EXPECT_TRUE(reading.problem);
  }
}

TEST(KubernetesStamp, AReleasedOneIsNoStampAndNoMistake) {
  for (const char* text : {"released", "released 1764150000.1"}) {
    const StampReading reading = read_stamp(text);
    EXPECT_EQ(reading.state, StampReading::State::released);
    EXPECT_EQ(reading.text, text) << "as preconditions test it";
    EXPECT_FALSE(reading.problem);
  }
}

TEST(KubernetesStamp, OrdersByEraThenEpochThenStepThenAddress) {
  const std::vector<Claim> rising{
      {{0, 1, 0}, "z"}, {{0, 1, 1}, "a"},  {{0, 2, 0}, "a"},
      {{0, 2, 0}, "b"}, {{0, 10, 0}, "a"}, {{1, 1, 0}, "a"},
  };
  for (size_t i = 0; i < rising.size(); ++i) {
    for (size_t j = 0; j < rising.size(); ++j) {
      EXPECT_EQ(rising[i] < rising[j], i < j) << i << " " << j;
      EXPECT_EQ(rising[i] == rising[j], i == j) << i << " " << j;
    }
  }
}

TEST(KubernetesAddress, HasOneFormForEachAddress) {
  EXPECT_EQ(canonical_ip("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(canonical_ip("FD00:0:0::7"), "fd00::7");
  EXPECT_EQ(canonical_ip("::ffff:10.0.0.7"), "10.0.0.7");
  for (const char* text : {"", "10.0.0", "10.0.0.007x", "valkey-0", "fd00::7%eth0",
                           "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000"}) {
    EXPECT_EQ(canonical_ip(text), std::nullopt) << text;
  }
  EXPECT_EQ(canonical_host("Valkey-0.Valkey."), "valkey-0.valkey");
  EXPECT_EQ(canonical_host("."), ".");
  EXPECT_EQ(host_and_port("fd00::7", 6379), "[fd00::7]:6379");
  EXPECT_EQ(host_and_port("10.0.0.7", 1), "10.0.0.7:1");
}

}  // namespace
}  // namespace reconciler
