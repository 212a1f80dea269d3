// What a person at a terminal reads: pages made of documents.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "supervisor/command_line/document.h"
#include "supervisor/command_line/explain_view.h"
#include "supervisor/command_line/status_view.h"
#include "supervisor/command_line/words.h"

namespace reconciler::command_line {
namespace {

using testing::HasSubstr;
using testing::Not;

const char* const well = R"({
  "schema": 1, "version": "0.1.0", "now": "2026-11-26T12:00:10.000000Z", "pid": 7, "up_seconds": 7200,
  "ready": true, "in_the_way": [], "problems": [],
  "configuration": {"file": "", "loaded_at": "2026-11-26T10:00:10.000000Z", "refused": null},
  "groups": [{"name": "myprimary", "state": "known", "primary": "10.0.0.7:6379", "era": 0, "epoch": 3,
    "step": 0, "settled": true, "cause": "+promoted-slave from 10.0.0.5:26379",
    "since": "2026-11-26T12:00:00.500000Z",
    "replicas": [{"address": "10.0.0.8:6379", "healthy": true}, {"address": "10.0.0.9:6379", "healthy": false}],
    "sentinels": {"known": 3, "up": 3, "agree": 3, "agreed_at": "2026-11-26T12:00:01.000000Z"}}],
  "sentinels": [{"set": "main", "address": "10.0.0.5:26379", "up": true}],
  "targets": [{"name": "kubernetes", "plugin": "kubernetes", "groups": [{"group": "myprimary",
    "in_sync": true, "outcome": "applied", "reason": "", "primary": "10.0.0.7:6379", "epoch": 3,
    "done_at": "2026-11-26T12:00:00.520000Z", "attempts": 1}]}],
  "failovers": [{"group": "myprimary", "era": 0, "epoch": 3, "step": 0, "settled": true, "state": "known",
    "from": "10.0.0.8:6379", "to": "10.0.0.7:6379", "cause": "x", "event_at": "2026-11-26T12:00:00.500000Z",
    "published_ms": 0.4, "targets": [{"target": "kubernetes", "outcome": "applied", "done_ms": 17.2,
    "attempts": 1, "reason": ""}, {"target": "file", "outcome": "applied", "done_ms": 0.42}]}],
  "processes": [{"name": "sentinel-watcher", "kind": "watcher", "pid": 9, "state": "at work",
    "up_seconds": 7199, "restarts": 0}]})";

const char* const ill = R"({
  "version": "0.1.0", "now": "2026-11-26T12:00:10.000000Z", "pid": 7, "up_seconds": 3, "ready": false,
  "in_the_way": ["target file, group shop: cannot write /x: Permission denied", "kubernetes: it died"],
  "problems": [
    {"severity": "blocking", "process": "file", "group": "shop", "id": "x", "message": "cannot write /x"},
    {"severity": "degraded", "process": "sentinel-watcher", "group": "", "id": "y", "message": "cannot reach Sentinel a:1"},
    {"severity": "degraded", "process": "kubernetes", "group": "cart", "id": "z", "message": "no watch"},
    {"severity": "degraded", "process": "supervisor", "group": "", "id": "reload-refused", "message": "the last reload was refused: line 3: [[target]] is wrong"}],
  "configuration": {"refused": "line 3: [[target]] is wrong"},
  "groups": [{"name": "shop", "state": "suspected", "primary": "10.0.0.7:6379", "epoch": 1, "settled": false,
     "replicas": [], "sentinels": {"known": 3, "up": 1, "agree": 1}},
    {"name": "cart", "state": "unknown", "primary": null, "replicas": [], "sentinels": null},
    {"name": "news", "state": "known", "primary": "10.0.0.1:6379", "epoch": 2, "settled": false, "replicas": []}],
  "targets": [{"name": "file", "plugin": "file", "groups": [
    {"group": "shop", "in_sync": false, "outcome": "retry", "reason": "cannot write /x", "primary": "10.0.0.7:6379", "epoch": 1, "done_at": "2026-11-26T12:00:09.000000Z", "attempts": 4},
    {"group": "cart", "in_sync": false, "outcome": null, "primary": null}]}],
  "failovers": [],
  "processes": [{"name": "file", "state": "restarting", "pid": null, "up_seconds": 0, "restarts": 4}]})";

std::string view(const char* text, bool color = false) {
  const json::Document document = json::parse(text);
  return status_view(document.get(), color);
}

TEST(StatusView, IsATableThatAPersonReads) {
  EXPECT_EQ(view(well), R"(valkey-reconciler 0.1.0: ready, up 2 h, pid 7

  GROUP      PRIMARY        EPOCH  SINCE     SENTINELS     REPLICAS
  myprimary  10.0.0.7:6379  3      10 s ago  3 of 3 agree  10.0.0.8:6379, 10.0.0.9:6379 (not healthy)

  TARGET      PLUGIN      GROUP      STATE
  kubernetes  kubernetes  myprimary  in sync with 10.0.0.7:6379, since 9 s ago

  FAILOVER  GROUP      FROM           TO             WRITTEN
  10 s ago  myprimary  10.0.0.8:6379  10.0.0.7:6379  kubernetes after 17 ms, file after 0.4 ms

  PROCESS           STATE    PID  UP       RESTARTS
  sentinel-watcher  at work  9    120 min  0
)");
}

TEST(StatusView, HasWhatIsInTheWayOnTopAndEachOnce) {
  const std::string text = view(ill);
  EXPECT_THAT(text, testing::StartsWith(R"(valkey-reconciler 0.1.0: not ready, up 3 s, pid 7
  in the way  target file, group shop: cannot write /x: Permission denied
  in the way  kubernetes: it died
  look at     sentinel-watcher: cannot reach Sentinel a:1
  look at     kubernetes, group cart: no watch
  look at     supervisor: the last reload was refused: line 3: [[target]] is wrong

  GROUP)"));
  EXPECT_THAT(text, HasSubstr("withdrawn (10.0.0.7:6379 is called down)"));
  EXPECT_THAT(text, HasSubstr("1 of 3 agree, 1 up"));
  EXPECT_THAT(text, HasSubstr("cart   none known yet"));
  EXPECT_THAT(text, HasSubstr("10.0.0.1:6379 (not confirmed yet)"));
  EXPECT_THAT(text, HasSubstr("not in sync: retry: cannot write /x (4 attempts), 1 s ago"));
  EXPECT_THAT(text, HasSubstr("not in sync: no answer yet"));
  EXPECT_THAT(text, HasSubstr("restarting"));
}

TEST(StatusView, PaintsOnlyWhereItIsAskedTo) {
  EXPECT_THAT(view(well), Not(HasSubstr("\x1b")));
  EXPECT_THAT(view(well, true), HasSubstr("\x1b[32mready\x1b[0m"));
  EXPECT_THAT(view(ill, true), HasSubstr("\x1b[31mnot ready\x1b[0m"));
}

TEST(StatusView, LetsNoControlCharacterFromOutsideThrough) {
  const std::string text = view(
      "{\"version\":\"\\u001b[2J\",\"groups\":[{\"name\":\"a\\nb\\u009b31m\",\"primary\":"
      "\"\\u0007\",\"settled\":true,"
      "\"replicas\":[{\"address\":\"\\r\"}]}],\"in_the_way\":[\"\\u001b]0;x\\u0007\"],"
      "\"targets\":[{\"name\":\"\\t\",\"groups\":[{\"reason\":\"\\u0000\\u001b\"}]}]}");
  for (const char byte : text) {
    EXPECT_TRUE(byte == '\n' || static_cast<unsigned char>(byte) >= 0x20) << int{byte};
  }
  EXPECT_THAT(text, HasSubstr(R"(\x1b[2J)"));
  EXPECT_THAT(text, HasSubstr(R"(a\x0ab\xc2\x9b31m)"));
}

TEST(StatusView, SurvivesAnyShapeOfDocument) {
  for (
      const char* text :
      {"null", "[]", "{}", R"({"groups": 7, "targets": {}, "failovers": [7, null, []]})",
       R"({"groups": [[], {"replicas": "x", "sentinels": 3}], "in_the_way": [{}], "processes": [{}]})"}) {
    EXPECT_THAT(view(text), HasSubstr("valkey-reconciler")) << text;
  }
}

const char* const answer =
    R"({"group": "shop", "act_on": "announcement", "demote_on": "odown", "known": 3,
  "sentinels": [
    {"address": "10.0.0.5:26379", "standing": "answers", "age_ms": 120, "tilt": false, "primary": "10.0.0.7:6379",
     "epoch": 1, "down": true, "objectively_down": true, "reported_replica": false, "failover": "beginning"},
    {"address": "10.0.0.6:26379", "standing": "answers", "age_ms": 3000, "tilt": true, "primary": "10.0.0.8:6379",
     "epoch": 0, "down": false, "objectively_down": false, "reported_replica": true, "failover": "none"},
    {"address": "10.0.0.4:26379", "standing": "refused", "refusal": "NOPERM", "age_ms": null, "tilt": false}],
  "instances": [{"address": "10.0.0.7:6379", "role": "out of reach", "age_ms": 40, "cause": "connection refused"}],
  "decision": {"primary": "10.0.0.7:6379", "state": "suspected", "era": 0, "epoch": 1, "step": 1, "settled": false,
               "because": "Sentinel 10.0.0.5:26379, by a quorum, calls it down"},
  "doubts": [{"id": "primary-suspected", "severity": "degraded", "message": "it is withdrawn", "shown": true, "for_ms": 2500}]})";

std::string explained(const char* group, const char* document, const char* watcher) {
  return explain_view(group, json::parse(document).get(), json::parse(watcher).get(), false);
}

TEST(ExplainView, TellsEachSentinelTheDecisionAndEachTarget) {
  EXPECT_EQ(explained("shop", ill, answer),
            R"(group shop: withdrawn (10.0.0.7:6379 is called down)
  in the way  target file, group shop: cannot write /x: Permission denied
  in the way  kubernetes: it died
  look at     sentinel-watcher: cannot reach Sentinel a:1
  look at     supervisor: the last reload was refused: line 3: [[target]] is wrong

What each Sentinel says (3 known)
  SENTINEL        STANDING          NAMES          EPOCH  WHICH IS              FAILOVER   HEARD
  10.0.0.5:26379  answers           10.0.0.7:6379  1      down, by a quorum     beginning  120 ms ago
  10.0.0.6:26379  answers, in tilt  10.0.0.8:6379  0      says it is a replica  none       3 s ago
  10.0.0.4:26379  refused: NOPERM   -              -      -                     -          never

What instances say of themselves
  INSTANCE       ROLE                              HEARD
  10.0.0.7:6379  out of reach: connection refused  40 ms ago

What was decided, and why
  10.0.0.7:6379 is withdrawn under epoch 1 (era 0, step 1, not settled yet)
  because  Sentinel 10.0.0.5:26379, by a quorum, calls it down
  settings act_on = "announcement", demote_on = "odown"

What is in doubt
  it is withdrawn (for 2 s)

What each target was told and answered
  TARGET  PLUGIN  LAST TOLD      EPOCH  ANSWER
  file    file    10.0.0.7:6379  1      not in sync: retry: cannot write /x (4 attempts), 1 s ago
)");
}

TEST(ExplainView, HasNoTroublesOfOtherGroups) {
  const std::string text = explained("shop", R"({"in_the_way": [
    "group shop2: no primary is known yet", "group shop: no primary is known yet",
    "target file, group shop2: not in sync yet", "target file, group shop: not in sync yet", "file: it died"]})",
                                     "{}");
  EXPECT_THAT(text, testing::StartsWith(R"(group shop: none known yet
  in the way  group shop: no primary is known yet
  in the way  target file, group shop: not in sync yet
  in the way  file: it died

)"));
}

TEST(ExplainView, SaysWhyTheWatcherGaveNoAnswer) {
  const std::string text =
      explained("cart", ill, R"({"error": "the sentinel-watcher does not answer within 2 s"})");
  EXPECT_THAT(text,
              HasSubstr("What each Sentinel says\n  not known: the sentinel-watcher does not"));
  EXPECT_THAT(text, HasSubstr("What each target was told"));
}

TEST(ExplainView, SaysThatNothingIsInTheWay) {
  const std::string text = explained("myprimary", well, R"({"decision": null})");
  EXPECT_THAT(text, HasSubstr("group myprimary: 10.0.0.7:6379\n  nothing is in the way\n"));
  EXPECT_THAT(text, HasSubstr("nothing yet: no primary is known"));
  EXPECT_THAT(text, HasSubstr("heard by +promoted-slave from 10.0.0.5:26379, 10 s ago"));
}

TEST(Time, IsReadAsTheDocumentHasIt) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.000002Z"), 1'000'002);
  for (const char* text :
       {"", "x", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.1Z", "1970-01-01T00:00:01.000002"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Duration, HasTheUnitThatAPersonWouldSay) {
  EXPECT_EQ(duration(-1), "0 ms");
  EXPECT_EQ(duration(0.34), "340 ms");
  EXPECT_EQ(duration(119), "119 s");
  EXPECT_EQ(duration(600), "10 min");
  EXPECT_EQ(duration(3 * 3'600), "3 h");
  EXPECT_EQ(duration(4 * 86'400), "4 d");
}

}  // namespace
}  // namespace reconciler::command_line
