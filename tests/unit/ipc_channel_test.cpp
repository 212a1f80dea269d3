// Channels on a real socket pair: whole frames, in order, to the last one; bounded where nobody reads.

#include "common/ipc/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace reconciler::ipc {
namespace {

using testing::HasSubstr;

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() {
    auto pair = make_channel_pair();
    if (!pair) abort_with("no socket pair");
    theirs_ = std::move(pair->theirs);
    ours_ = std::move(pair->ours);
  }

  std::unique_ptr<Channel> open(Descriptor descriptor) {
    auto opened =
        Channel::open(loop_.get(), std::move(descriptor),
                      {.on_frame = [this](const Frame& frame) { frames_.push_back(frame); },
                       .on_closed = [this](const Error& cause) { closed_ = cause.message(); }});
    if (!opened) abort_with("no channel");
    return std::move(*opened);
  }

  // Turns the loop until `done`, for 5 s at most.
  template <typename Done>
  bool run_until(Done done) {
    bool late = false;
    uv::Timer deadline(loop_.get());
    deadline.start(5'000, [&] { late = true; });
    while (!done() && !late) uv_run(loop_.get(), UV_RUN_ONCE);
    return !late;
  }

  static Frame topology(const std::string& group, uint64_t revision, std::string body = "body") {
    return {MessageType::topology, 1, revision, group, std::move(body)};
  }

  uv::Loop loop_;
  Descriptor ours_;
  Descriptor theirs_;
  std::vector<Frame> frames_;
  std::optional<std::string> closed_;
};

TEST_F(ChannelTest, FramesArriveWholeAndInOrder) {
  auto reader = open(std::move(ours_));
  auto writer = open(std::move(theirs_));
  for (uint64_t i = 1; i <= 50; ++i)
    writer->send(topology("g" + std::to_string(i), i, std::string(i * 100, 'x')));
  ASSERT_TRUE(run_until([&] { return frames_.size() == 50; }));
  for (uint64_t i = 1; i <= 50; ++i) {
    EXPECT_EQ(frames_[i - 1].revision, i);
    EXPECT_EQ(frames_[i - 1].group, "g" + std::to_string(i));
    EXPECT_EQ(frames_[i - 1].body.size(), i * 100);
  }
}

TEST_F(ChannelTest, ABodyTooLargeForAPacketTravelsWhole) {
  auto reader = open(std::move(ours_));
  auto writer = open(std::move(theirs_));
  std::string large(5 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31);
  writer->send(topology("g", 1, large));
  writer->send(topology("g", 2));
  ASSERT_TRUE(run_until([&] { return frames_.size() == 2; }));
  EXPECT_TRUE(frames_[0].body == large);
  EXPECT_EQ(frames_[1].body, "body");
}

TEST_F(ChannelTest, WhereNobodyReadsTheNewestOfEachGroupWaits) {
  auto writer = open(std::move(theirs_));
  constexpr uint64_t count = 20'000;
  for (uint64_t i = 1; i <= count; ++i) writer->send(topology("g" + std::to_string(i % 3), i));
  auto reader = open(std::move(ours_));
  ASSERT_TRUE(run_until([&] { return !frames_.empty() && frames_.back().revision == count; }));
  EXPECT_LT(frames_.size(), 5'000u);
  std::map<std::string, uint64_t> newest;
  for (const Frame& frame : frames_) {
    EXPECT_GT(frame.revision, newest[frame.group]) << "an older one after a newer one";
    newest[frame.group] = frame.revision;
  }
  EXPECT_EQ(newest["g0"], count / 3 * 3);
  EXPECT_EQ(newest.size(), 3u);
}

TEST_F(ChannelTest, WhatAProcessSentBeforeItEndedIsRead) {
  auto writer = open(std::move(theirs_));
  for (uint64_t i = 1; i <= 100; ++i) writer->send(topology("g" + std::to_string(i), i));
  writer.reset();
  auto reader = open(std::move(ours_));
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  EXPECT_EQ(frames_.size(), 100u);
}

TEST_F(ChannelTest, FramesLeftUnreadByTheDeadDoNotHideWhatItSent) {
  auto reader = open(std::move(ours_));
  auto writer = open(std::move(theirs_));
  writer->send(topology("last words", 1));
  reader->send(topology("never read", 2));
  writer.reset();
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_EQ(frames_[0].group, "last words");
}

TEST_F(ChannelTest, ReadRestEndsTheChannelThoughACopyOfTheOtherEndIsHeld) {
  auto reader = open(std::move(ours_));
  auto writer = open(Descriptor(::dup(theirs_.get())));
  writer->send(topology("g", 1));
  reader->read_rest();
  EXPECT_EQ(frames_.size(), 1u);
  EXPECT_TRUE(closed_.has_value());
}

TEST_F(ChannelTest, AClosedChannelThatIsStillHeldMakesNoOtherDeaf) {
  auto closed = open(std::move(ours_));
  theirs_.reset();
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  auto pair =
      make_channel_pair();  // the kernel gives the lowest number, which was the closed one's
  ASSERT_TRUE(pair.ok());
  auto reader = open(std::move(pair->ours));
  auto writer = open(std::move(pair->theirs));
  uv_run(loop_.get(), UV_RUN_NOWAIT);
  closed.reset();
  writer->send(topology("g", 1));
  EXPECT_TRUE(run_until([&] { return frames_.size() == 1; }));
}

TEST_F(ChannelTest, WhatIsNoFrameClosesTheChannelAndSaysWhy) {
  auto reader = open(std::move(ours_));
  ASSERT_EQ(::send(theirs_.get(), "nonsense", 8, 0), 8);
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  EXPECT_THAT(*closed_, HasSubstr("a packet of 8 bytes"));
  EXPECT_TRUE(frames_.empty());
}

TEST_F(ChannelTest, APacketLargerThanAnyFrameClosesTheChannel) {
  auto reader = open(std::move(ours_));
  const std::string huge(150 * 1024, 'x');
  ASSERT_EQ(::send(theirs_.get(), huge.data(), huge.size(), 0), static_cast<ssize_t>(huge.size()));
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  EXPECT_THAT(*closed_, HasSubstr("larger than any"));
}

TEST_F(ChannelTest, AMemfdThatIsNotSealedIsRefused) {
  auto reader = open(std::move(ours_));
  Frame frame = topology("g", 1, std::string(200 * 1024, 'x'));
  std::string header = encode_header(frame, true);
  ASSERT_EQ(::send(theirs_.get(), header.data(), header.size(), 0),
            static_cast<ssize_t>(header.size()));
  ASSERT_TRUE(run_until([&] { return closed_.has_value(); }));
  EXPECT_THAT(*closed_, HasSubstr("no sealed memfd"));
}

TEST_F(ChannelTest, AHandlerMayDestroyItsChannel) {
  std::unique_ptr<Channel> reader;
  auto opened = Channel::open(loop_.get(), std::move(ours_),
                              {.on_frame =
                                   [&](const Frame& frame) {
                                     frames_.push_back(frame);
                                     reader.reset();
                                   },
                               .on_closed = {}});
  ASSERT_TRUE(opened.ok());
  reader = std::move(*opened);
  auto writer = open(std::move(theirs_));
  writer->send(topology("g", 1));
  writer->send(topology("h", 2));
  ASSERT_TRUE(run_until([&] { return !frames_.empty(); }));
  EXPECT_EQ(frames_.size(), 1u);
}

TEST_F(ChannelTest, NoDescriptorIsLeftBehind) {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator folder("/proc/self/fd");
    return std::distance(begin(folder), end(folder));
  };
  const auto before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    auto pair = make_channel_pair();
    ASSERT_TRUE(pair.ok());
    auto reader = open(std::move(pair->ours));
    auto writer = open(std::move(pair->theirs));
    writer->send(topology("g", 1, std::string(200 * 1024, 'x')));
    frames_.clear();
    ASSERT_TRUE(run_until([&] { return !frames_.empty(); }));
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace reconciler::ipc
