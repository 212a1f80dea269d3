// Why a TLS connection did not come about, in words that tell an operator where to look.
#pragma once

#include <openssl/x509_vfy.h>

#include <optional>
#include <string>

#include "common/config/configuration.h"

namespace reconciler {

// The certificate that OpenSSL has just found fault with. `name`: whom the connection is meant for.
std::string rejected_certificate(X509_STORE_CTX* verification, const std::string& name,
                                 const TlsSettings& settings);

// What is known when the peer, or OpenSSL itself, has ended a connection.
struct TlsEnding {
  const TlsSettings& settings;
  std::string name;
  bool certificate_wanted = false;  // the peer asked for one
  bool established = false;
  unsigned long error = 0;  // of OpenSSL's queue
};

std::string refusal(const TlsEnding& ending);

}  // namespace reconciler
