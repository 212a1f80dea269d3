// What Sentinel publishes, as it does, and everything that it would never publish.

#include "supervisor/sentinel_watcher/sentinel_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/replies.h"

namespace reconciler {
namespace {

using testing::HasSubstr;
using About = SentinelEvent::About;

TEST(Push, IsAMessageAnAcknowledgementOrAPong) {
  EXPECT_EQ(parse_push(strings({"message", "+tilt", "x"}))->payload, "x");
  EXPECT_EQ(parse_push(text("PONG", Reply::Kind::status))->kind, Push::Kind::pong);
  EXPECT_EQ(parse_push(strings({"pong", ""}))->kind, Push::Kind::pong);
  Reply count;
  count.kind = Reply::Kind::integer;
  EXPECT_EQ(parse_push(list({text("subscribe"), text("+tilt"), count}))->channel, "+tilt");
  for (const Reply& wrong :
       {Reply{}, list({}), strings({"message", "+tilt"}), strings({"king"}), list({list({})}),
        list({text("message"), list({}), text("x")}), text("OK", Reply::Kind::status)}) {
    EXPECT_FALSE(parse_push(wrong)) << describe(wrong);
  }
}

struct EventRow {
  std::string channel, payload, group;
  Endpoint subject;
  About about;
};

// Payloads as real Sentinels (redis 7.0.15, valkey 8.0.1) send them.
TEST(Event, TheGroupIsFoundWhateverItsName) {
  const std::vector<EventRow> table = {
      {"+switch-master",
       "myprimary 10.0.0.7 6379 10.0.0.8 6380",
       "myprimary",
       {"10.0.0.8", 6380},
       About::primary},
      {"+switch-master",
       "my primary 1 10.0.0.7 6379 10.0.0.8 6380",
       "my primary 1",
       {"10.0.0.8", 6380},
       About::primary},
      {"+switch-master",
       "myprimary fd00::7 6379 fd00::8 6379",
       "myprimary",
       {"fd00::8", 6379},
       About::primary},
      {"+switch-master",
       "myprimary vk-0.vk 6379 vk-1.vk 6379",
       "myprimary",
       {"vk-1.vk", 6379},
       About::primary},
      {"+promoted-slave",
       "slave 10.0.0.8:6380 10.0.0.8 6380 @ myprimary 10.0.0.7 6379",
       "myprimary",
       {"10.0.0.8", 6380},
       About::replica},
      {"+promoted-slave",
       "slave 10.0.0.8:6380 10.0.0.8 6380 @ a @ b 10.0.0.7 6379",
       "a @ b",
       {"10.0.0.8", 6380},
       About::replica},
      {"+promoted-slave",
       "slave [fd00::8]:6380 fd00::8 6380 @ my primary fd00::7 6379",
       "my primary",
       {"fd00::8", 6380},
       About::replica},
      {"+odown",
       "master myprimary 10.0.0.7 6379 #quorum 2/2",
       "myprimary",
       {"10.0.0.7", 6379},
       About::primary},
      {"-odown", "master myprimary 10.0.0.7 6379", "myprimary", {"10.0.0.7", 6379}, About::primary},
      {"+monitor",
       "master my primary 10.0.0.7 6379 quorum 2",
       "my primary",
       {"10.0.0.7", 6379},
       About::primary},
      {"+monitor",
       "master x quorum 2 10.0.0.7 6379 quorum 2",
       "x quorum 2",
       {"10.0.0.7", 6379},
       About::primary},
      {"-monitor",
       "master myprimary 10.0.0.7 6379",
       "myprimary",
       {"10.0.0.7", 6379},
       About::primary},
      {"+reset-master", "master a @ b 10.0.0.7 6379", "a @ b", {"10.0.0.7", 6379}, About::primary},
      {"+sdown",
       "sentinel 0f3a 10.0.0.21 26379 @ myprimary 10.0.0.7 6379",
       "myprimary",
       {"10.0.0.21", 26379},
       About::sentinel},
      {"-role-change",
       "slave 10.0.0.8:6380 10.0.0.8 6380 @ myprimary 10.0.0.7 6379 new reported role is master",
       "myprimary",
       {"10.0.0.8", 6380},
       About::replica},
      {"+config-update-from",
       "sentinel 0f3a 10.0.0.21 26379 @ myprimary 10.0.0.7 6379",
       "myprimary",
       {"10.0.0.21", 26379},
       About::sentinel},
      {"+tilt", "#tilt mode entered", "", {}, About::all},
      {"-tilt", "#tilt mode exited", "", {}, About::all},
  };
  for (const EventRow& row : table) {
    const auto event = parse_event(row.channel, row.payload);
    ASSERT_TRUE(event) << row.payload << ": " << event.error().message();
    EXPECT_EQ(event->channel, row.channel);
    EXPECT_EQ(event->group, row.group) << row.payload;
    EXPECT_EQ(event->subject, row.subject) << row.payload;
    EXPECT_EQ(event->about, row.about) << row.payload;
  }
}

TEST(Event, OnlyTwoAnnounceAPrimary) {
  EXPECT_TRUE(parse_event("+switch-master", "m 10.0.0.7 1 10.0.0.8 2")->announces_primary());
  EXPECT_TRUE(
      parse_event("+promoted-slave", "slave n 10.0.0.8 2 @ m 10.0.0.7 1")->announces_primary());
  EXPECT_FALSE(
      parse_event("+selected-slave", "slave n 10.0.0.8 2 @ m 10.0.0.7 1")->announces_primary());
}

TEST(Event, WhatIsOfReplicasAndSentinelsAloneLeavesThePrimary) {
  const std::string replica = "slave n 10.0.0.8 2 @ m 10.0.0.7 1";
  const std::string sentinel = "sentinel 0f3a 10.0.0.21 26379 @ m 10.0.0.7 1";
  for (const std::string channel : {"+sdown", "-sdown"}) {
    EXPECT_TRUE(parse_event(channel, replica)->leaves_primary());
    EXPECT_TRUE(parse_event(channel, sentinel)->leaves_primary());
    EXPECT_FALSE(parse_event(channel, "master m 10.0.0.7 1")->leaves_primary());
  }
  EXPECT_TRUE(parse_event("+slave", replica)->leaves_primary());
  EXPECT_TRUE(parse_event("+slave-reconf-done", replica)->leaves_primary());
  for (const std::string channel : {"+selected-slave", "+promoted-slave", "-role-change"})
    EXPECT_FALSE(parse_event(channel, replica)->leaves_primary()) << channel;
  EXPECT_FALSE(parse_event("+config-update-from", sentinel)->leaves_primary());
  EXPECT_FALSE(parse_event("+tilt", "#tilt mode entered")->leaves_primary());
}

TEST(Event, WhatCantBeReadIsAnError) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"+switch-master", ""},
      {"+switch-master", "10.0.0.7 6379 10.0.0.8 6380"},
      {"+switch-master", "m 10.0.0.7 6379 10.0.0.8"},
      {"+switch-master", "m 10.0.0.7 6379 10.0.0.8 0"},
      {"+switch-master", "m 10.0.0.7 6379 10.0.0.8 66666"},
      {"+switch-master", "m 10.0.0.7 6379  6380"},
      {"+odown", ""},
      {"+odown", "master"},
      {"+odown", "master 10.0.0.7 6379"},
      {"+odown", "king m 10.0.0.7 6379"},
      {"+promoted-slave", "slave n 10.0.0.8 2"},
      {"+promoted-slave", "slave n 10.0.0.8 2 @ 10.0.0.7 1"},
      {"+promoted-slave", "slave n 10.0.0.8 @ m 10.0.0.7 1"},
      {"+promoted-slave", "slave n 10.0.0.8 2 @ "},
      {"+promoted-slave", " @ m 10.0.0.7 1"},
  };
  for (const auto& [channel, payload] : table)
    EXPECT_FALSE(parse_event(channel, payload)) << payload;
}

}  // namespace
}  // namespace reconciler
