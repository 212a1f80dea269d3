// Certificates made for a test, in memory and as files.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "common/config/configuration.h"

namespace reconciler::test {

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct Certificate {
  std::unique_ptr<X509, FreeCertificate> certificate;
  std::unique_ptr<EVP_PKEY, FreeCertificate> key;

  std::string pem() const;
  std::string key_pem(const std::string& passphrase = {}) const;
};

struct Wanted {
  std::string common_name = "somebody";
  std::string names = {};     // `DNS:vk-0,IP:10.0.0.7`
  long from_seconds = -3600;  // from now
  long until_seconds = 3600;
  bool is_ca = false;
};

// By itself where there is no issuer.
Certificate make_certificate(const Wanted& wanted, const Certificate* issuer = nullptr);

// In the test's own folder; its path.
std::string write_file(const std::string& name, const std::string& contents);

TlsSettings tls_settings(const std::string& ca_file, const std::string& cert_file = {},
                         const std::string& key_file = {});

}  // namespace reconciler::test
