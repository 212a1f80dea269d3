// What all TLS connections of one access share: whom they trust, and with which certificate they come.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/result.h"

namespace reconciler {

// Driven and owned by an Access. Connections that were begun keep what they were begun with.
class TlsContext {
 public:
  // `settings` outlives it, and every TlsSession that is made of it.
  explicit TlsContext(const TlsSettings& settings) : settings_(settings) {}

  // Loads the files if they are not those that it loaded last (the system's store costs 35 ms). The error names the
  // file and what is wrong with it; what was loaded before stays in use.
  Result<void> refresh();

  // Null until it was loaded once.
  SSL_CTX* get() const { return context_.get(); }
  const TlsSettings& settings() const { return settings_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Owned = std::unique_ptr<SSL_CTX, Free>;

  // Tells one state of a file from another without reading it.
  struct FileState {
    int error = 0;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;  // its rights

    friend bool operator==(const FileState&, const FileState&) = default;
  };

  static FileState look_at(const std::string& path);
  std::vector<std::string> files() const;
  Result<Owned> load() const;
  Result<void> load_trust(SSL_CTX* context) const;
  Result<void> load_client_certificate(SSL_CTX* context) const;

  const TlsSettings& settings_;
  std::optional<std::vector<FileState>> seen_;
  std::optional<Error> error_;  // of what was seen
  Owned context_;
};

}  // namespace reconciler
