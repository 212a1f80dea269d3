// Bytes to replies and back, and what a hostile peer can't make the reader do.

#include "supervisor/sentinel_watcher/resp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "supervisor/sentinel_watcher/conversation.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<std::optional<Reply>> read(std::string_view bytes, const RespLimits& limits = {}) {
  RespReader reader(limits);
  if (auto fed = reader.feed(bytes); !fed) return fed.error();
  return reader.next();
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

TEST(RespReader, ReadsEachKindOfReply) {
  const std::string bytes = "*6\r\n+OK\r\n-ERR no\r\n:-12\r\n$-1\r\n*-1\r\n*2\r\n" +
                            bulk(std::string("a\0\r\nb", 5)) + bulk("");
  const auto reply = read(bytes);
  ASSERT_TRUE(reply) << reply.error().message();
  ASSERT_TRUE(*reply);
  const auto& parts = (*reply)->elements;
  ASSERT_EQ(parts.size(), 6u);
  EXPECT_EQ(parts[0].kind, Reply::Kind::status);
  EXPECT_EQ(parts[0].text, "OK");
  EXPECT_TRUE(parts[1].is_error());
  EXPECT_EQ(parts[2].integer, -12);
  EXPECT_EQ(parts[3].kind, Reply::Kind::nil);
  EXPECT_EQ(parts[4].kind, Reply::Kind::nil);
  EXPECT_EQ(parts[5].elements[0].text, std::string("a\0\r\nb", 5));
  EXPECT_EQ(parts[5].elements[1].text, "");
}

TEST(RespReader, ReadsRepliesThatComeByteByByte) {
  const std::string bytes = "*2\r\n" + bulk("10.0.0.7") + "*1\r\n" + bulk("6379") + "+PONG\r\n";
  RespReader reader;
  std::vector<Reply> replies;
  for (const char byte : bytes) {
    ASSERT_TRUE(reader.feed({&byte, 1}));
    auto reply = reader.next();
    ASSERT_TRUE(reply);
    if (*reply) replies.push_back(**reply);
  }
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].elements[1].elements[0].text, "6379");
  EXPECT_EQ(replies[1].text, "PONG");
}

struct Hostile {
  const char* name;
  std::string bytes;
  const char* why;
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class HostileBytes : public testing::TestWithParam<Hostile> {};

TEST_P(HostileBytes, AreAnErrorThatSaysWhy) {
  const auto reply = read(GetParam().bytes);
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message(), HasSubstr(GetParam().why));
  EXPECT_THAT(reply.error().message(), HasSubstr("not RESP2"));
}

std::string repeated(std::string_view part, int times) {
  std::string whole;
  for (int i = 0; i < times; ++i) whole += part;
  return whole;
}

INSTANTIATE_TEST_SUITE_P(
    Table, HostileBytes,
    testing::Values(
        Hostile{"HundredMillionElements", "*100000000\r\n", "more than 4096"},
        Hostile{"MoreElementsThanFitAnInt", "*99999999999\r\n", ""},
        Hostile{"NegativeElements", "*-2\r\n", ""},
        Hostile{"ArraysNested5Deep", repeated("*1\r\n", 5), "nested deeper than 4"},
        Hostile{"ArraysNested10000Deep", repeated("*1\r\n", 10000), "nested deeper than 4"},
        Hostile{"MoreValuesThanAnyReply",
                "*20\r\n" + repeated("*4096\r\n" + repeated(":1\r\n", 4096), 17),
                "more than 65536 values"},
        Hostile{"AMegabyteInParts", "*20\r\n" + repeated(bulk(std::string(60000, 'x')), 20),
                "more than 1048576 bytes"},
        Hostile{"ALineWithoutEnd", std::string(2 * 1024 * 1024, '+'),
                "a string of more than 65536 bytes"},
        Hostile{"Http", "HTTP/1.1 400 Bad Request\r\n", "H"},
        Hostile{"Tls", std::string("\x15\x03\x01\0\x02\x02\x46", 7), ""},
        Hostile{"ABulkOfNoSize", "$x\r\n", ""}, Hostile{"Resp3Map", "%1\r\n+a\r\n+b\r\n", ""},
        Hostile{"Resp3Boolean", "#t\r\n", ""}, Hostile{"Resp3Double", ",1.5\r\n", ""},
        Hostile{"Resp3Push", ">1\r\n+a\r\n", ""}, Hostile{"Resp3Verbatim", "=5\r\ntxt:a\r\n", ""},
        Hostile{"Resp3InAnArray", "*2\r\n+a\r\n#t\r\n", ""}),
    [](const auto& entry) { return entry.param.name; });

TEST(RespReader, HoldsNoMemoryForWhatIsAnnouncedAndLittleForWhatComes) {
  RespReader reader;
  ASSERT_TRUE(reader.feed("$536870912\r\n"));
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(reader.feed(std::string(4 * 1024, 'x')));
    const auto reply = reader.next();
    ASSERT_TRUE(reply);
    EXPECT_FALSE(*reply);
  }
  ASSERT_TRUE(reader.feed(std::string(8 * 1024, 'x')));
  const auto reply = reader.next();
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message(), HasSubstr("a string of more than 65536 bytes"));
}

TEST(RespReader, CountsEachReplyForItself) {
  RespReader reader;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader.feed(bulk(std::string(60'000, 'x'))));
    const auto reply = reader.next();
    ASSERT_TRUE(reply) << "after " << i << ": " << reply.error().message();
    ASSERT_TRUE(*reply);
  }
}

TEST(FormatCommand, KeepsAnyBytes) {
  const std::string password("p\0\r\n\"", 5);
  EXPECT_EQ(format_command({"AUTH", password, ""}),
            "*3\r\n$4\r\nAUTH\r\n$5\r\n" + password + "\r\n$0\r\n\r\n");
}

TEST(Describe, EscapesWhatThePeerSaid) {
  Reply reply;
  reply.kind = Reply::Kind::error;
  reply.text = "ERR \n\x1b[2J";
  EXPECT_EQ(describe(reply).find('\n'), std::string::npos);
  EXPECT_EQ(describe(reply).find('\x1b'), std::string::npos);
}

class ConversationTest : public testing::Test {
 protected:
  Conversation::Answer note(const std::string& name) {
    return [this, name](const Reply& reply) { heard_.push_back(name + "=" + reply.text); };
  }

  std::vector<std::string> heard_;
};

TEST_F(ConversationTest, AnswersComeInTheOrderOfTheQuestions) {
  Conversation conversation;
  conversation.ask({"PING"}, note("first"));
  conversation.ask({"PING"}, note("second"));
  EXPECT_EQ(conversation.take_outgoing(), "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(conversation.take_outgoing(), "");
  ASSERT_TRUE(conversation.receive("+a\r\n+"));
  EXPECT_THAT(heard_, ElementsAre("first=a"));
  EXPECT_EQ(conversation.pending(), 1u);
  ASSERT_TRUE(conversation.receive("b\r\n"));
  EXPECT_THAT(heard_, ElementsAre("first=a", "second=b"));
}

TEST_F(ConversationTest, AnAnswerMayAskAgain) {
  Conversation conversation;
  conversation.ask({"PING"}, [&](const Reply&) { conversation.ask({"PING"}, note("again")); });
  ASSERT_TRUE(conversation.receive("+a\r\n+b\r\n"));
  EXPECT_THAT(heard_, ElementsAre("again=b"));
}

TEST_F(ConversationTest, AMessageIsNoAnswer) {
  Conversation conversation(
      [this](const Reply& reply) { heard_.push_back(reply.elements[2].text); });
  conversation.ask({"PING"}, note("pong"));
  ASSERT_TRUE(conversation.receive("*3\r\n$7\r\nmessage\r\n$5\r\n+tilt\r\n$1\r\nx\r\n+PONG\r\n"));
  EXPECT_THAT(heard_, ElementsAre("x", "pong=PONG"));
}

TEST_F(ConversationTest, WhatNothingAskedForIsAnError) {
  Conversation conversation;
  const auto received = conversation.receive("-ERR you are not welcome\r\n");
  ASSERT_FALSE(received);
  EXPECT_THAT(received.error().message(), HasSubstr("you are not welcome"));
}

TEST_F(ConversationTest, AMessageOnAConnectionThatSubscribedToNothingIsAnError) {
  Conversation conversation;
  EXPECT_FALSE(conversation.receive("*3\r\n$7\r\nmessage\r\n$5\r\n+tilt\r\n$1\r\nx\r\n"));
}

}  // namespace
}  // namespace reconciler
