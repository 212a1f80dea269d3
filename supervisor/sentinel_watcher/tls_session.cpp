#include "supervisor/sentinel_watcher/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/text.h"
#include "supervisor/sentinel_watcher/tls_refusal.h"

namespace reconciler {

namespace {

using Kind = ConnectionFailure::Kind;

constexpr char handshake_record = 0x16;
constexpr char alert_record = 0x15;

struct IpAddress {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;  // 0: it is none
};

// `fe80::1%eth0` is fe80::1: which interface leads there is no matter of the certificate.
IpAddress ip_address(std::string name) {
  IpAddress address;
  if (::inet_pton(AF_INET, name.c_str(), address.bytes.data()) == 1) {
    address.size = 4;
  } else {
    name.resize(std::min(name.size(), name.find('%')));
    if (::inet_pton(AF_INET6, name.c_str(), address.bytes.data()) == 1) address.size = 16;
  }
  return address;
}

// A name may end in a dot, where it is whole; in a certificate none does.
std::string without_last_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, const std::string& name)
    : settings_(context.settings()),
      name_(printable(name)),
      ssl_(SSL_new(context.get())),
      from_wire_(BIO_new(BIO_s_mem())),
      to_wire_(BIO_new(BIO_s_mem())) {
  if (!ssl_ || from_wire_ == nullptr || to_wire_ == nullptr) abort_with("no memory for TLS");
  SSL_set_bio(ssl_.get(), from_wire_, to_wire_);
  SSL_set_connect_state(ssl_.get());
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_cert_cb(ssl_.get(), certificate_wanted, this);
  SSL_set_verify(ssl_.get(), settings_.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                 settings_.insecure_skip_verify ? nullptr : verify);
  if (auto expected = expect(name); !expected) end(Kind::tls, expected.error().message());
}

Result<void> TlsSession::expect(const std::string& name) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_.get());
  if (const IpAddress address = ip_address(name); address.size != 0) {
    if (X509_VERIFY_PARAM_set1_ip(expected, address.bytes.data(), address.size) == 1) return {};
    return Error("no certificate can be asked of the IP address " + name_);
  }
  // An empty name would be checked by nobody, and one that begins with a dot stands for all below it.
  const std::string host = without_last_dot(name);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (host.empty() || host.starts_with('.') || host.find('\0') != std::string::npos ||
      X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) != 1 ||
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) {
    return Error("no certificate can be asked of the name " + name_);
  }
  return {};
}

int TlsSession::verify(int ok, X509_STORE_CTX* verification) {
  if (ok == 1) return 1;
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  self->rejected_ = rejected_certificate(verification, self->name_, self->settings_);
  return 0;
}

int TlsSession::certificate_wanted(SSL*, void* session) {
  static_cast<TlsSession*>(session)->certificate_wanted_ = true;
  return 1;
}

void TlsSession::begin() { (void)receive({}); }

std::string TlsSession::receive(std::string_view wire) {
  std::string plain;
  if (ended_) return plain;
  look_at_first(wire);
  if (ended_) return plain;
  ERR_clear_error();  // of others: it would be taken for that of this session
  if (!wire.empty()) BIO_write(from_wire_, wire.data(), static_cast<int>(wire.size()));
  if (!established_) {
    const int code = SSL_do_handshake(ssl_.get());
    if (code != 1) {
      ended_by(code);
      return plain;
    }
    established_ = true;
  }
  // Until it wants more: nothing else wakes it up for what lies in its buffers.
  std::array<char, 16 * 1024> part;
  while (true) {
    std::size_t size = 0;
    const int code = SSL_read_ex(ssl_.get(), part.data(), part.size(), &size);
    if (code != 1) {
      ended_by(code);
      return plain;
    }
    plain.append(part.data(), size);
  }
}

void TlsSession::look_at_first(std::string_view wire) {
  if (peer_speaks_tls_ || wire.empty()) return;
  peer_speaks_tls_ = wire[0] == handshake_record || wire[0] == alert_record;
  if (!peer_speaks_tls_) end(Kind::tls, "what answers there does not speak TLS (a plain port?)");
}

void TlsSession::write(std::string_view plain) {
  if (ended_ || plain.empty()) return;
  if (!established_) abort_with("bytes for a peer whose TLS handshake is not done");
  ERR_clear_error();
  std::size_t written = 0;
  const int code = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  if (code != 1) ended_by(code);
}

void TlsSession::close() {
  // OpenSSL forbids it after a failure.
  if (ended_ || !established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

std::string TlsSession::take_outgoing() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(to_wire_, &bytes);
  std::string outgoing;
  if (size > 0) outgoing.assign(bytes, static_cast<std::size_t>(size));
  BIO_reset(to_wire_);
  return outgoing;
}

void TlsSession::ended_by(int code) {
  switch (SSL_get_error(ssl_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      return end(Kind::unreachable, "closed by the peer");
    default:
      break;
  }
  if (rejected_) return end(Kind::tls, *rejected_);
  end(Kind::tls, refusal({.settings = settings_,
                          .name = name_,
                          .certificate_wanted = certificate_wanted_,
                          .established = established_,
                          .error = ERR_get_error()}));
}

void TlsSession::end(Kind kind, std::string cause) {
  if (!ended_) ended_ = ConnectionFailure{kind, std::move(cause)};
}

}  // namespace reconciler
