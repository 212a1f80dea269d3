// What a program of the exec target is told, and what of its words reaches the log.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/exec/output_lines.h"
#include "plugins/exec/told.h"

namespace reconciler::exec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

struct Sample {
  vr_instance primary{sizeof(vr_instance), "10.0.0.5", 6379, 1};
  vr_instance healthy{sizeof(vr_instance), "fd00::6", 6380, 1};
  vr_instance ailing{sizeof(vr_instance), "10.0.0.7", 6379, 0};
  vr_instance other{sizeof(vr_instance), "valkey-8", 6379, 1};
  const vr_instance* replicas[3]{&healthy, &ailing, &other};
  vr_topology topology{};

  Sample() {
    topology.size = sizeof topology;
    topology.group = "my\nprimary";
    topology.epoch = 9;
    topology.primary = &primary;
    topology.replica_count = 3;
    topology.replicas = replicas;
    topology.cause = "";
  }
};

TEST(ExecTold, HealthyReplicasAreInTheEnvironmentAllOfThemInTheInput) {
  const Sample sample;
  const Told told{"t", sample.topology, std::nullopt};
  EXPECT_THAT(environment_of(told), Contains("VR_REPLICAS=[fd00::6]:6380 valkey-8:6379"));
  EXPECT_THAT(input_of(told), HasSubstr(R"({"host":"10.0.0.7","port":6379,"healthy":false})"));
}

TEST(ExecTold, TheInputIsOneLine) {
  const Sample sample;
  const std::string input = input_of({"t", sample.topology, Endpoint{"a", 1}});
  EXPECT_EQ(input.find('\n'), input.size() - 1);
}

TEST(ExecTold, SentinelsSevenArguments) {
  const Sample sample;
  EXPECT_THAT(
      sentinel_arguments({"t", sample.topology, Endpoint{"10.0.0.4", 6390}}),
      ElementsAre("my\nprimary", "leader", "start", "10.0.0.4", "6390", "10.0.0.5", "6379"));
}

std::vector<std::string> lines_of(std::initializer_list<std::string_view> fed) {
  std::vector<std::string> lines;
  OutputLines output([&](const std::string& line) { lines.push_back(line); });
  for (const std::string_view bytes : fed) output.feed(bytes);
  output.finish();
  return lines;
}

TEST(ExecOutput, LinesAreWholeHoweverTheyCome) {
  EXPECT_THAT(lines_of({"on", "e\n\ntw", "o\nth", "ree"}), ElementsAre("one", "two", "three"));
}

TEST(ExecOutput, ALineOfTheGreatestLengthIsWholeALongerOneIsCut) {
  const std::string longest(longest_line, 'x');
  EXPECT_THAT(lines_of({longest, "\n", longest, "y", "yy\n"}),
              ElementsAre(longest, longest + "..."));
}

TEST(ExecOutput, WhatIsBeyondTheBoundIsCounted) {
  std::string many;
  for (std::size_t i = 0; i < most_lines + 7; ++i) many += "x\n";
  const auto lines = lines_of({many});
  ASSERT_EQ(lines.size(), most_lines + 1);
  EXPECT_EQ(lines.back(), "(7 more lines are left out)");
}

}  // namespace
}  // namespace reconciler::exec
