// The server's side of a TLS connection in memory, by OpenSSL itself, and the wire between it and a TlsSession.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "supervisor/sentinel_watcher/tls_session.h"
#include "tests/unit/certificates.h"

namespace reconciler::test {

class TlsServer {
 public:
  struct Options {
    int version = TLS1_3_VERSION;             // that and no other
    const Certificate* clients_ca = nullptr;  // a client certificate is wanted
  };

  TlsServer(const Certificate& certificate, const Options& options)
      : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_security_level(context, 0);  // TLS 1.1 wants it
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
    SSL_CTX_use_certificate(context, certificate.certificate.get());
    SSL_CTX_use_PrivateKey(context, certificate.key.get());
    if (options.clients_ca != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), options.clients_ca->certificate.get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    ssl_.reset(SSL_new(context));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_accept_state(ssl_.get());
  }

  void receive(std::string_view wire) {
    BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
    char part[4096];
    int count = 0;
    while ((count = SSL_read(ssl_.get(), part, sizeof part)) > 0)
      received.append(part, static_cast<std::size_t>(count));
    closed = closed || SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN;
  }

  void write(std::string_view plain) {
    SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
  }

  void close() { SSL_shutdown(ssl_.get()); }

  std::string take_outgoing() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  // What the client asked for by SNI; empty: nothing.
  std::string asked_for() const {
    const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
  }

  std::string received;
  bool closed = false;  // by the client, and properly

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

// Carries bytes to and fro, `piece` at a time, until neither has more to say; what the client got.
inline std::string talk(TlsSession& client, TlsServer& server, std::size_t piece = 1 << 20) {
  std::string got;
  while (true) {
    const std::string up = client.take_outgoing();
    for (std::size_t i = 0; i < up.size(); i += piece)
      server.receive(std::string_view(up).substr(i, piece));
    const std::string down = server.take_outgoing();
    for (std::size_t i = 0; i < down.size(); i += piece)
      got += client.receive(std::string_view(down).substr(i, piece));
    if (up.empty() && down.empty()) return got;
  }
}

}  // namespace reconciler::test
