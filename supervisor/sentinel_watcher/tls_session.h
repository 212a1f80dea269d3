// The client's side of one TLS connection without its socket: bytes of the wire in, plain ones out, and the other way round.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/sentinel_watcher/connection_failure.h"
#include "supervisor/sentinel_watcher/tls_context.h"

namespace reconciler {

// Driven and owned by a Stream. After each call take_outgoing() is to be sent, also when it has ended: the peer is told
// why.
class TlsSession {
 public:
  // `name`: whom the certificate must be for, a host name or an IP address, and whom the peer is asked for; an IP address
  // is not sent. `context` was loaded.
  TlsSession(const TlsContext& context, const std::string& name);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void begin();

  // What it says to plain bytes, at least for now: empty during the handshake.
  std::string receive(std::string_view wire);

  // Only when it is established and has not ended.
  void write(std::string_view plain);

  // The peer is told that nothing more comes.
  void close();

  std::string take_outgoing();

  // The handshake is done. With TLS 1.3 the peer may still refuse the client's certificate: that shows as an end
  // before its first byte.
  bool established() const { return established_; }

  // `TLSv1.3`, once it is established.
  std::string version() const { return SSL_get_version(ssl_.get()); }

  // Once there is one, nothing more comes. What the last receive() returned was before it.
  const std::optional<ConnectionFailure>& ended() const { return ended_; }

  // Whether the peer has sent anything that is TLS.
  bool peer_speaks_tls() const { return peer_speaks_tls_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  static int verify(int ok, X509_STORE_CTX* verification);
  static int certificate_wanted(SSL* ssl, void* session);
  Result<void> expect(const std::string& name);
  void look_at_first(std::string_view wire);
  // `code`: what the call returned.
  void ended_by(int code);
  void end(ConnectionFailure::Kind kind, std::string cause);

  const TlsSettings& settings_;
  std::string name_;
  bool established_ = false;
  bool certificate_wanted_ = false;
  bool peer_speaks_tls_ = false;
  std::optional<std::string> rejected_;  // the peer's certificate, and why
  std::optional<ConnectionFailure> ended_;
  std::unique_ptr<SSL, Free> ssl_;
  BIO* from_wire_ = nullptr;  // both belong to ssl_
  BIO* to_wire_ = nullptr;
};

}  // namespace reconciler
