#include "supervisor/sentinel_watcher/stream.h"

#include <utility>

namespace reconciler {

using Kind = ConnectionFailure::Kind;

Stream::Stream(uv_loop_t* loop, unsigned unacknowledged_ms, Handlers handlers)
    : handlers_(std::move(handlers)),
      tcp_(std::make_unique<TcpStream>(
          loop, unacknowledged_ms,
          TcpStream::Handlers{.on_connected = [this] { connected(); },
                              .on_bytes = [this](std::string_view bytes) { received(bytes); },
                              .on_end = [this](const Error& cause) { lost(cause); }})) {}

Stream::~Stream() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (!tls_ || !tcp_) return;
  tls_->close();
  send();
}

void Stream::use_tls(const TlsContext& context, const std::string& name) {
  tls_.emplace(context, name);
}

Result<void> Stream::connect(const sockaddr_storage& address) { return tcp_->connect(address); }

void Stream::connected() {
  reached_ = true;
  if (tls_) {
    tls_->begin();
    send();
    if (tls_->ended()) end(*tls_->ended());
    return;
  }
  const auto tell = handlers_.on_connected;  // a copy each time: a handler may destroy *this
  tell();
}

void Stream::received(std::string_view bytes) {
  if (!tls_) {
    received_ = true;
    const auto tell = handlers_.on_bytes;
    return tell(bytes);
  }
  const bool was_established = tls_->established();
  const std::string plain = tls_->receive(bytes);
  send();

  // One piece of the wire may hold the end of the handshake, plain bytes and the end.
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (!was_established && tls_->established()) {
    const auto tell = handlers_.on_connected;
    tell();
  }
  if (!destroyed && !plain.empty()) {
    received_ = true;
    const auto tell = handlers_.on_bytes;
    tell(plain);
  }
  if (destroyed) return;
  destroyed_ = nullptr;
  if (tls_->ended()) end(*tls_->ended());
}

void Stream::write(std::string bytes) {
  if (!tcp_) return;
  if (!tls_) return tcp_->write(std::move(bytes));
  tls_->write(bytes);
  send();
}

void Stream::send() {
  if (std::string bytes = tls_->take_outgoing(); !bytes.empty()) tcp_->write(std::move(bytes));
}

void Stream::lost(const Error& cause) { end({Kind::unreachable, cause.message()}); }

std::string Stream::at_what_point() const {
  if (!reached_) return {};
  if (tls_ && !tls_->established())
    return tls_->peer_speaks_tls() ? " during the TLS handshake"
                                   : " during the TLS handshake (a plain port?)";
  if (received_) return {};
  return tls_ ? " without an answer" : " without an answer (a port that wants TLS?)";
}

std::string Stream::silence(const std::string& time) const {
  if (!tls_ || !reached_ || tls_->established()) return "no answer within " + time;
  // One that is stopped does as one does that waits for the end of a command.
  return "no answer to the TLS handshake within " + time +
         (tls_->peer_speaks_tls() ? "" : " (it hangs, or is a plain port)");
}

void Stream::end(ConnectionFailure failure) {
  if (failure.kind == Kind::unreachable) failure.cause += at_what_point();
  tcp_.reset();
  const auto tell = handlers_.on_end;
  tell(failure);
}

}  // namespace reconciler
