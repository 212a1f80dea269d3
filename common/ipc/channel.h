// One end of a SOCK_SEQPACKET pair on a loop: whole frames in, whole frames out. PROTOCOL.md says
// why packets.
#pragma once

#include <uv.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/descriptor.h"
#include "common/ipc/codec.h"
#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler::ipc {

struct ChannelPair {
  Descriptor ours;
  Descriptor theirs;
};

// Both ends close-on-exec and non-blocking.
Result<ChannelPair> make_channel_pair();

// Driven by the loop, owned by whoever talks to the process at the other end. May be destroyed
// within its own handlers.
class Channel {
 public:
  struct Handlers {
    std::function<void(const Frame&)> on_frame;
    // Once, after the last whole frame: the other end is gone, or said something that is no frame.
    // The cause is for the log.
    std::function<void(const Error&)> on_closed;
  };

  static Result<std::unique_ptr<Channel>> open(uv_loop_t* loop, Descriptor descriptor,
                                               Handlers handlers);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // By an end that is on no loop yet. False: it did not go at once.
  static bool send_now(const Descriptor& end, const Frame& frame);

  // Never blocks. What can't go at once waits; of what waits, the newest of a type and group
  // replaces the older one, so that a reader that stands still costs one frame for each group. A
  // heartbeat waits for none of them.
  void send(Frame frame);

  // Hands over the whole frames that are there, and then closes: for when the other end's process
  // has ended.
  void read_rest();

  // Blocks for 100 ms at most until what waits is sent: for a process that is about to exit.
  void drain();

 private:
  Channel(uv_loop_t* loop, Handlers handlers);

  void on_ready(int status, int events);
  // Whether there may be more.
  bool receive();
  void flush();
  enum class Sent {
    yes,            // or never: reading tells that the other end is gone
    when_writable,  // the socket is full
    later,          // no descriptor or no memory is left for its body
  };
  static Sent transmit(int end, const Frame& frame);
  static Sent transmit(int end, const Frame& frame, bool large);
  void wait_for(Sent what);
  void close(const Error& cause);

  Handlers handlers_;
  Descriptor descriptor_;
  std::list<Frame> waiting_;
  std::shared_ptr<bool>
      alive_;  // shared with the frame loop, which outlives *this when a handler destroys it
  std::optional<uv::Poll> poll_;  // gone before the descriptor is closed
  uv::Timer later_;
};

}  // namespace reconciler::ipc
