#include "tests/unit/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>

namespace reconciler::test {

namespace {

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <typename Write>
std::string to_pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(bio), 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

std::string Certificate::pem() const {
  return to_pem([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string Certificate::key_pem(const std::string& passphrase) const {
  return to_pem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(
        bio, key.get(), passphrase.empty() ? nullptr : EVP_aes_128_cbc(), passphrase.c_str(),
        static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

Certificate make_certificate(const Wanted& wanted, const Certificate* issuer) {
  static int serial = 0;
  Certificate made{std::unique_ptr<X509, FreeCertificate>(X509_new()),
                   std::unique_ptr<EVP_PKEY, FreeCertificate>(EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.until_seconds);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()), -1,
                             -1, 0);
  X509* above = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(above));
  add_extension(certificate, above, NID_basic_constraints,
                wanted.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wanted.names.empty()) add_extension(certificate, above, NID_subject_alt_name, wanted.names);
  X509_sign(certificate, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

std::string write_file(const std::string& name, const std::string& contents) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) /
                                       (std::string(test->test_suite_name()) + "." + test->name());
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  return path.string();
}

TlsSettings tls_settings(const std::string& ca_file, const std::string& cert_file,
                         const std::string& key_file) {
  TlsSettings settings;
  settings.enabled = true;
  settings.ca_file = ca_file;
  settings.cert_file = cert_file;
  settings.key_file = key_file;
  return settings;
}

}  // namespace reconciler::test
