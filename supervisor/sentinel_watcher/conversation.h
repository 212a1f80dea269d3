// One side of a RESP2 connection without its socket: what is asked, in order, and what the answers are for.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "supervisor/sentinel_watcher/resp.h"

namespace reconciler {

// Driven and owned by a RespConnection. Answers may ask again; they must not destroy it.
class Conversation {
 public:
  using Answer = std::function<void(const Reply&)>;

  // `push`: gets messages of subscribed channels, which nothing asked for. Without it they are an error.
  explicit Conversation(Answer push = nullptr) : push_(std::move(push)) {}

  // `answer` is called once, with the reply to this command; never, when the connection ends before.
  void ask(const std::vector<std::string_view>& words, Answer answer);

  // What is to be written; empty where nothing is.
  std::string take_outgoing() { return std::exchange(outgoing_, {}); }

  // Calls the answers whose replies are whole. After an error the connection is to be closed.
  Result<void> receive(std::string_view bytes);

  // Commands that have no reply yet, and how many were answered so far.
  std::size_t pending() const { return pending_.size(); }
  std::size_t answered() const { return answered_; }

 private:
  Answer push_;
  RespReader reader_;
  std::string outgoing_;
  std::deque<Answer> pending_;
  std::size_t answered_ = 0;
};

}  // namespace reconciler
