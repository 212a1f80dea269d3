#include "supervisor/sentinel_watcher/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "supervisor/sentinel_watcher/small_file.h"

namespace reconciler {

namespace {

// The bundle of all public CAs has some 220 KiB.
constexpr std::size_t max_file_size = 1024 * 1024;

template <auto free>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
using OwnedBio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using OwnedCertificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

// OpenSSL would ask for a passphrase on the terminal, and wait for it.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_end_of_pem(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// As SSL_CTX_set_default_verify_paths does it.
const char* variable_or(const char* variable, const char* otherwise) {
  const char* path = std::getenv(variable);
  return path != nullptr ? path : otherwise;
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "refused by OpenSSL";
}

Result<std::string> read(const char* key, const std::string& path) {
  auto contents = read_small_file(path, max_file_size);
  if (!contents) return contents.error().within(fmt::format("read {} {}", key, path));
  return contents;
}

// All certificates of a PEM file, at least one.
Result<std::vector<OwnedCertificate>> read_certificates(const char* key, const std::string& path) {
  const auto contents = read(key, path);
  if (!contents) return contents.error();
  const OwnedBio bio(BIO_new_mem_buf(contents->data(), static_cast<int>(contents->size())));
  std::vector<OwnedCertificate> certificates;
  ERR_clear_error();
  while (OwnedCertificate certificate{
      PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr)}) {
    certificates.push_back(std::move(certificate));
  }
  const bool whole = is_end_of_pem(ERR_peek_last_error());
  if (whole && certificates.empty())
    return Error(fmt::format("{} {} holds no certificate in PEM form", key, path));
  if (!whole) {
    return Error(fmt::format("certificate {} in {} {} can't be read: {}", certificates.size() + 1,
                             key, path, openssl_reason()));
  }
  return certificates;
}

Result<OwnedKey> read_key(const std::string& path) {
  const auto contents = read("key_file", path);
  if (!contents) return contents.error();
  const OwnedBio bio(BIO_new_mem_buf(contents->data(), static_cast<int>(contents->size())));
  ERR_clear_error();
  OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key) return key;
  if (contents->find("ENCRYPTED") != std::string::npos) {
    return Error(
        fmt::format("key_file {} is encrypted, and there is no setting for a passphrase", path));
  }
  if (contents->find("PRIVATE KEY-----") == std::string::npos)
    return Error(fmt::format("key_file {} holds no private key in PEM form", path));
  return Error(fmt::format("the key in key_file {} can't be read: {}", path, openssl_reason()));
}

}  // namespace

Result<void> TlsContext::refresh() {
  // Looked at before they are read: what changes meanwhile is seen the next time.
  std::vector<FileState> states;
  for (const std::string& file : files()) states.push_back(look_at(file));
  // What failed may have failed for a reason that no file shows: no descriptor was left, the disk gave an error.
  if (error_ || seen_ != states) {
    seen_ = std::move(states);
    auto loaded = load();
    ERR_clear_error();
    if (loaded) {
      context_ = std::move(*loaded);
      error_.reset();
    } else {
      error_ = loaded.error();
    }
  }
  if (error_) return *error_;
  return {};
}

std::vector<std::string> TlsContext::files() const {
  std::vector<std::string> files;
  if (!settings_.insecure_skip_verify) {
    if (settings_.ca_file.empty()) {
      files = {variable_or(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
               variable_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())};
    } else {
      files = {settings_.ca_file};
    }
  }
  if (!settings_.cert_file.empty()) files.push_back(settings_.cert_file);
  if (!settings_.key_file.empty()) files.push_back(settings_.key_file);
  return files;
}

TlsContext::FileState TlsContext::look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {.error = errno};
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

Result<TlsContext::Owned> TlsContext::load() const {
  Owned context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Error("OpenSSL: " + openssl_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // 34 KB of each idle connection
  if (auto done = load_trust(context.get()); !done) return done.error();
  if (auto done = load_client_certificate(context.get()); !done) return done.error();
  return context;
}

Result<void> TlsContext::load_trust(SSL_CTX* context) const {
  if (settings_.insecure_skip_verify) return {};
  if (settings_.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return Error("the system's CA certificates can't be read: " + openssl_reason());
    return {};
  }
  const auto certificates = read_certificates("ca_file", settings_.ca_file);
  if (!certificates) return certificates.error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& certificate : *certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1)
      return Error(fmt::format("ca_file {}: {}", settings_.ca_file, openssl_reason()));
  }
  return {};
}

Result<void> TlsContext::load_client_certificate(SSL_CTX* context) const {
  const std::string& cert_file = settings_.cert_file;
  const std::string& key_file = settings_.key_file;
  if (cert_file.empty() && key_file.empty()) return {};
  if (key_file.empty()) return Error(fmt::format("cert_file {} has no key_file", cert_file));
  if (cert_file.empty()) return Error(fmt::format("key_file {} has no cert_file", key_file));
  const auto certificates = read_certificates("cert_file", cert_file);
  if (!certificates) return certificates.error();
  const auto key = read_key(key_file);
  if (!key) return key.error();
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1)
    return Error(fmt::format("cert_file {}: {}", cert_file, openssl_reason()));
  for (std::size_t i = 1; i < certificates->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*certificates)[i].get()) != 1)
      return Error(fmt::format("cert_file {}: {}", cert_file, openssl_reason()));
  }
  if (X509_check_private_key(certificates->front().get(), key->get()) != 1) {
    return Error(
        fmt::format("the key in key_file {} is not that of the certificate in cert_file {}",
                    key_file, cert_file));
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return Error(fmt::format("key_file {}: {}", key_file, openssl_reason()));
  return {};
}

}  // namespace reconciler
