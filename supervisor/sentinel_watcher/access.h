// What it takes to be let in, to the Sentinels of a set or to its instances: user, password, TLS.
#pragma once

#include <string>

#include "common/config/configuration.h"
#include "common/result.h"
#include "supervisor/sentinel_watcher/credentials.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/tls_context.h"

namespace reconciler {

// Owned by a SentinelSet, asked by its connections at each attempt, so that changed files need no restart.
class Access {
 public:
  // `whose`: `Sentinels of set main`. `reports` outlives it. Warns at once where nobody's certificate is checked.
  Access(const AccessSettings& settings, std::string whose, Reports& reports);
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  Result<Credentials> credentials() const;

  bool wants_tls() const { return settings_.tls.enabled; }

  // Where TLS is wanted. Files that can't be loaded are an error where none could before; else they are a problem that is
  // shown, and what was loaded before is used.
  Result<const TlsContext*> tls();

  // Whom a certificate must be for, where the peer is known as `host`.
  const std::string& name_for(const std::string& host) const;

 private:
  const AccessSettings settings_;
  std::string whose_;
  Reports& reports_;
  TlsContext context_;
  std::string stale_;  // why the files of now aren't used, as it was said
};

}  // namespace reconciler
