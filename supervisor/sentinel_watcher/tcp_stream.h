// A TCP connection on a loop: bytes in, bytes out, an end with its cause.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/uv/handle.h"

namespace reconciler {

// Driven by the loop, owned by a Stream. May be destroyed within its own handlers.
class TcpStream {
 public:
  struct Handlers {
    std::function<void()> on_connected;
    std::function<void(std::string_view bytes)> on_bytes;
    // Once; nothing comes afterwards. The cause: `connection refused`, `closed by the peer`.
    std::function<void(const Error&)> on_end;
  };

  // `unacknowledged_ms`: how long sent bytes may stay unacknowledged before the system gives the connection up.
  TcpStream(uv_loop_t* loop, unsigned unacknowledged_ms, Handlers handlers);
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  // `address`: IPv4 or IPv6, with its port.
  Result<void> connect(const sockaddr_storage& address);

  // Bytes that can't go at once wait. A failure shows as the end of the connection, never from within.
  void write(std::string bytes);

 private:
  class Socket;

  void connected(int status);
  void received(ssize_t count, const char* bytes);
  void set_options();
  void end(const Error& cause);

  Handlers handlers_;
  unsigned unacknowledged_ms_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace reconciler
