// The forms of the file target beside JSON, and what of them is read back.

#include "plugins/file/formats.h"

#include <gtest/gtest.h>

#include <array>

namespace reconciler::file {
namespace {

struct Sample {
  vr_instance primary{sizeof(vr_instance), "10.0.0.5", 6379, 1};
  vr_instance healthy{sizeof(vr_instance), "fd00::6", 6380, 1};
  vr_instance ailing{sizeof(vr_instance), "10.0.0.7", 6379, 0};
  const vr_instance* replicas[2]{&healthy, &ailing};
  vr_topology topology{};

  Sample() {
    topology.size = sizeof topology;
    topology.group = "g";
    topology.epoch = 9;
    topology.step = 2;
    topology.primary = &primary;
    topology.replica_count = 2;
    topology.replicas = replicas;
    topology.cause = "";
  }
};

constexpr std::array all{Format::json, Format::env, Format::haproxy_map, Format::hosts};

TEST(FileFormats, ReadBackWhatTheyWrite) {
  for (const Format format : all) {
    const Form form{format, "{group}"};
    Sample sample;
    const std::string text = *render(form, sample.topology, 1);
    EXPECT_EQ(read_held(form, text)->decision, (Decision{0, 9, 2}));
    EXPECT_EQ(read_held(form, text)->primary, "10.0.0.5 6379");
    EXPECT_TRUE(says(form, text, sample.topology));
    EXPECT_FALSE(says(form, text + "x", sample.topology));
    sample.topology.epoch = 10;
    EXPECT_FALSE(says(form, text, sample.topology));
  }
}

TEST(FileFormats, EnvNamesHealthyReplicas) {
  const Sample sample;
  EXPECT_NE(render({Format::env, ""}, sample.topology, 1)->find("VALKEY_REPLICAS=[fd00::6]:6380\n"),
            std::string::npos);
}

TEST(FileFormats, TheGroupsNameStandsWhereverTheHostNameSaysSo) {
  const Sample sample;
  const Form form{Format::hosts, "{group}.{group}.example"};
  EXPECT_TRUE(render(form, sample.topology, 1)->ends_with("\n10.0.0.5 g.g.example\n"));
  EXPECT_TRUE(check_group(form, "g").ok());
  EXPECT_FALSE(check_group(form, "g h").ok());
  EXPECT_FALSE(check_group(form, "{group} ").ok()) << "and it is not looked into again";
}

TEST(FileFormats, AGroupWhoseFileCanHaveNoSuchNameIsRefused) {
  const Form form{Format::json, "{group}"};
  EXPECT_TRUE(check_group(form, std::string(238, 'g')).ok());
  EXPECT_FALSE(check_group(form, std::string(239, 'g')).ok());
  EXPECT_FALSE(check_group(form, std::string(80, '\xd0')).ok())
      << "each of these takes three bytes";
}

TEST(FileFormats, WhatIsNotOursHoldsNoDecision) {
  for (const Format format : {Format::env, Format::haproxy_map, Format::hosts}) {
    for (const char* text :
         {"", "\n", "# valkey-reconciler", "# valkey-reconciler ", "10.0.0.5 g\n",
          "# valkey-reconciler {}\n", "# valkey-reconciler {\"era\":0}"}) {
      EXPECT_FALSE(read_held({format, ""}, text).ok()) << text;
    }
  }
}

TEST(FileFormats, NoHostWritesALineOfItsOwn) {
  for (const char* host : {"a\nb", "a b", "", "$(x)", "a#b", "\xc3\xa4"}) {
    Sample sample;
    sample.ailing.host = host;
    EXPECT_FALSE(render({Format::env, ""}, sample.topology, 1).ok()) << host;
  }
}

}  // namespace
}  // namespace reconciler::file
