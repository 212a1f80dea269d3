// One question to a server and its answer, over a socket of its own that never blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/descriptor.h"
#include "common/result.h"
#include "plugins/host.h"
#include "plugins/socket/socket_address.h"

namespace reconciler {

enum class Transport { stream, datagram };

struct Question {
  SocketAddress to;
  Transport transport = Transport::stream;
  std::string bytes;
  uint64_t timeout_ms = 1000;  // from start() to the whole answer
  // Whether this is all of the answer. Of a stream it is asked about all that came so far; of datagrams about each by
  // itself, and one that is not is dropped. Empty: the answer is all that comes until the other side closes.
  std::function<bool(std::string_view)> is_whole;
};

// Owned by whoever asks, who may start the next one, or destroy it, from within `done`. One question at a time.
class Exchange {
 public:
  using Done = std::function<void(Result<std::string>)>;

  explicit Exchange(Host host) : watch_(host), deadline_(host), again_(host) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { stop(); }

  void start(Question question, Done done);
  // Without a word.
  void stop();

 private:
  void begin();
  Result<bool> connect();
  void on_ready();
  Result<bool> send_rest();
  Result<bool> receive();
  void finish(Result<std::string> result);

  Question question_;
  Done done_;
  Descriptor socket_;
  Watch watch_;  // before the socket is closed, it ends
  Timer deadline_;
  Timer again_;  // to connect, where there was no room
  size_t sent_ = 0;
  std::string received_;
};

}  // namespace reconciler
