#include "supervisor/sentinel_watcher/access.h"

#include <fmt/format.h>

#include <utility>

#include "common/log.h"

namespace reconciler {

Access::Access(const AccessSettings& settings, std::string whose, Reports& reports)
    : settings_(settings), whose_(std::move(whose)), reports_(reports), context_(settings_.tls) {
  if (settings_.tls.enabled && settings_.tls.insecure_skip_verify)
    log::warning(fmt::format("{} are not verified (insecure_skip_verify)", whose_));
}

Access::~Access() { reports_.no_trouble(whose_); }

Result<Credentials> Access::credentials() const {
  if (settings_.password_file.empty()) return Credentials{settings_.username, settings_.password};
  auto password = read_password_file(settings_.password_file);
  if (!password) return password.error();
  return Credentials{settings_.username, std::move(*password)};
}

Result<const TlsContext*> Access::tls() {
  const auto fresh = context_.refresh();
  if (!fresh && context_.get() == nullptr) return fresh.error();
  const std::string stale = fresh ? std::string() : fresh.error().message();
  if (std::exchange(stale_, stale) != stale) {
    if (stale.empty()) {
      reports_.no_trouble(whose_);
      log::info(fmt::format("the files for TLS of the {} are loaded again", whose_));
    } else {
      const std::string what = fmt::format(
          "the files for TLS of the {} can't be loaded, those from before are used", whose_);
      reports_.trouble(whose_, "sentinel-tls", what + ": " + stale);
      log::warning(what, {.error = stale});
    }
  }
  return &context_;
}

const std::string& Access::name_for(const std::string& host) const {
  return settings_.tls.server_name.empty() ? host : settings_.tls.server_name;
}

}  // namespace reconciler
