// A connection on a loop, with TLS or without: plain bytes in, plain bytes out, an end with its cause.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "supervisor/sentinel_watcher/connection_failure.h"
#include "supervisor/sentinel_watcher/tcp_stream.h"
#include "supervisor/sentinel_watcher/tls_session.h"

namespace reconciler {

// Driven by the loop, owned by a RespConnection. May be destroyed within its own handlers; the peer of a TLS connection is
// then told that it is closed.
class Stream {
 public:
  struct Handlers {
    // With TLS: its handshake is done, too.
    std::function<void()> on_connected;
    std::function<void(std::string_view bytes)> on_bytes;
    // Once; nothing comes afterwards.
    std::function<void(const ConnectionFailure&)> on_end;
  };

  Stream(uv_loop_t* loop, unsigned unacknowledged_ms, Handlers handlers);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Before connect(). `name`: whom the peer's certificate must be for.
  void use_tls(const TlsContext& context, const std::string& name);

  Result<void> connect(const sockaddr_storage& address);

  // `TLSv1.3`; empty without.
  std::string tls_version() const { return tls_ ? tls_->version() : std::string(); }

  // Once it is connected. Bytes that can't go at once wait; a failure shows as the end, never from within.
  void write(std::string bytes);

  // Why nothing came, where a peer is silent for `time`: `no answer within 2 s`.
  std::string silence(const std::string& time) const;

 private:
  void connected();
  void received(std::string_view bytes);
  void lost(const Error& cause);
  void send();
  std::string at_what_point() const;
  void end(ConnectionFailure failure);

  Handlers handlers_;
  bool reached_ = false;       // TCP is connected
  bool received_ = false;      // plain bytes came
  bool* destroyed_ = nullptr;  // set while handlers are called that may destroy *this
  std::optional<TlsSession> tls_;
  std::unique_ptr<TcpStream> tcp_;  // null once it has ended
};

}  // namespace reconciler
