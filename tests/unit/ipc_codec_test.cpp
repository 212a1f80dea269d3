// Messages survive the way to bytes and back; bytes that are none are refused without harm.

#include "common/ipc/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace reconciler::ipc {
namespace {

using testing::HasSubstr;

Topology sample_topology() {
  Topology topology;
  topology.group = std::string("my primary \xff");
  topology.decision = {1, 7'000'000'000, 3};
  topology.state = PrimaryState::suspected;
  topology.primary = {"fd00::7", 6379};
  topology.replicas = {{{"10.0.0.1", 6379}, true}, {{"valkey-2.valkey", 65535}, false}};
  topology.cause = "+switch-master from 10.0.0.7:26379";
  topology.event_unix_us = -5;
  topology.event_mono_ns = UINT64_MAX;
  return topology;
}

SentinelSettings sample_sentinels() {
  SentinelSettings sentinel;
  sentinel.name = "main";
  sentinel.addresses = {{"a", 1}, {"b", 2}};
  sentinel.access.password = std::string("any\0bytes\n", 10);
  sentinel.access.tls = {.enabled = true,
                         .ca_file = "ca",
                         .cert_file = "cert",
                         .key_file = "key",
                         .server_name = "name",
                         .insecure_skip_verify = true};
  sentinel.ask_instances = true;
  sentinel.instances.password_file = "file";
  sentinel.discover = false;
  sentinel.groups = {{.name = "one", .act_on = ActOn::promotion, .demote_on = DemoteOn::odown},
                     {.name = "two", .reset_after = 1}};
  return sentinel;
}

TargetSettings sample_target() {
  TargetSettings target;
  target.name = "kubernetes";
  target.plugin = "kubernetes";
  target.groups = {"one"};
  Setting setting;
  setting.name = "value";
  setting.type = SettingType::string_list;
  setting.list = {"", "x"};
  setting.integer = -1;
  target.settings = {setting};
  return target;
}

std::vector<Message> samples() {
  LabelerSettings labeler;
  labeler.target = sample_target();
  labeler.dry_run = true;
  WatcherSettings watcher;
  watcher.log = {log::Level::debug, log::Format::json};
  watcher.sentinels = {sample_sentinels()};
  return {
      Hello{"labeler", "0.1.0", 42},
      Configure{labeler},
      Configure{watcher},
      Ready{},
      TopologyMessage{sample_topology()},
      Outcome{OutcomeKind::rejected, "the pod bears a higher stamp", 1, 2, {0, 4, 1}, {"::1", 1}},
      Heartbeat{},
      Shutdown{},
      Report{{{"one", "forbidden", Severity::degraded, "cannot patch"}},
             {{"patches_total", "result", "ok", 9}},
             {{"sentinel_up", {{"set", "main"}, {"sentinel", "[::1]:26379"}}, 1}}},
      Ask{9},
      Answer{9, "{\"group\":\"one\"}"},
      Order{10, OrderKind::release, "jane", "a rebuild"},
      Ordered{10, OutcomeKind::rejected, "not supported by this target"}};
}

Frame frame_of(const Message& message) {
  return {type_of(message), 5, 6, "group", encode_body(message)};
}

TEST(Codec, EachMessageSurvivesTheWayThereAndBack) {
  for (const Message& message : samples()) {
    const Result<Message> read = decode_body(type_of(message), encode_body(message));
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(encode_body(*read), encode_body(message)) << to_string(type_of(message));
  }
}

TEST(Codec, FieldsArriveAsTheyWere) {
  const Message message = TopologyMessage{sample_topology()};
  const Result<Message> read = decode_body(MessageType::topology, encode_body(message));
  ASSERT_TRUE(read.ok());
  const Topology& topology = std::get<TopologyMessage>(*read).topology;
  const Topology expected = sample_topology();
  EXPECT_EQ(topology.group, expected.group);
  EXPECT_EQ(topology.decision, expected.decision);
  EXPECT_EQ(topology.state, expected.state);
  EXPECT_EQ(topology.primary, expected.primary);
  EXPECT_EQ(topology.replicas, expected.replicas);
  EXPECT_EQ(topology.cause, expected.cause);
  EXPECT_EQ(topology.event_unix_us, expected.event_unix_us);
  EXPECT_EQ(topology.event_mono_ns, expected.event_mono_ns);
}

TEST(Codec, SettingsArriveAsTheyWere) {
  for (const Message& message : samples()) {
    const auto* configure = std::get_if<Configure>(&message);
    if (configure == nullptr) continue;
    const Result<Message> read = decode_body(MessageType::configure, encode_body(message));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(std::get<Configure>(*read), *configure);
  }
}

TEST(Codec, GaugesArriveAsTheyWere) {
  Report report;
  report.gauges = {{"sentinels_agreed_timestamp_seconds", {{"group", "one"}}, 1'767'225'600.123456},
                   {"sentinel_up", {{"set", "main"}, {"sentinel", "10.0.0.1:26379"}}, 0},
                   {"without_labels", {}, -std::numeric_limits<double>::infinity()}};
  const Result<Message> read = decode_body(MessageType::report, encode_body(report));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::get<Report>(*read), report);
}

TEST(Codec, EachTruncationOfEachMessageIsRefused) {
  for (const Message& message : samples()) {
    const std::string body = encode_body(message);
    for (std::size_t size = 0; size < body.size(); ++size) {
      EXPECT_FALSE(decode_body(type_of(message), std::string_view(body).substr(0, size)).ok())
          << to_string(type_of(message)) << " cut to " << size;
    }
    EXPECT_FALSE(decode_body(type_of(message), body + "x").ok());
  }
}

TEST(Codec, RandomChangesNeverCrashAndNeverReserveWhatIsNotThere) {
  std::mt19937 random(1);  // NOLINT: the same bytes at each run
  for (const Message& message : samples()) {
    const std::string body = encode_body(message);
    if (body.empty()) continue;
    for (int round = 0; round < 2'000; ++round) {
      std::string changed = body;
      for (int i = 0; i < 3; ++i) changed[random() % changed.size()] = static_cast<char>(random());
      const Result<Message> read = decode_body(type_of(message), changed);
      if (read.ok()) {
        EXPECT_EQ(read->index(), message.index());
      }
    }
  }
}

TEST(Codec, AForgedCountIsRefusedWithItsPlace) {
  std::string body = encode_body(Report{});
  body[3] = '\x7f';
  const Result<Message> read = decode_body(MessageType::report, body);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message(), HasSubstr("report message: at byte 4"));
}

TEST(Header, SurvivesTheWayThereAndBack) {
  const Frame frame = frame_of(samples()[0]);
  const Result<Header> header = decode_header(encode_header(frame, false) + frame.body);
  ASSERT_TRUE(header.ok()) << header.error().message();
  EXPECT_EQ(header->type, frame.type);
  EXPECT_EQ(header->generation, 5u);
  EXPECT_EQ(header->revision, 6u);
  EXPECT_EQ(header->group_size, 5u);
  EXPECT_EQ(header->body_size, frame.body.size());
  EXPECT_FALSE(header->body_in_memfd);
}

TEST(Header, WhatIsNoHeaderIsRefused) {
  const Frame frame = frame_of(samples()[0]);
  const std::string packet = encode_header(frame, false) + frame.body;
  const auto refused = [](std::string_view bytes) { return !decode_header(bytes).ok(); };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(packet.substr(0, header_size - 1)));
  EXPECT_TRUE(refused(packet.substr(0, packet.size() - 1)));
  EXPECT_TRUE(refused(packet + "x"));
  for (const auto& [place, value, why] : {std::tuple{0, '\x02', "version"},
                                          {2, '\x63', "type"},
                                          {4, '\x02', "flags"},
                                          {27, '\x7f', "group"}}) {
    std::string changed = packet;
    changed[static_cast<std::size_t>(place)] = value;
    const Result<Header> header = decode_header(changed);
    ASSERT_FALSE(header.ok()) << why;
    EXPECT_THAT(header.error().message(), HasSubstr(why));
  }
}

}  // namespace
}  // namespace reconciler::ipc
