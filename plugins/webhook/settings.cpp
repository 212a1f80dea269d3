#include "plugins/webhook/settings.h"

#include <array>
#include <utility>

#include "plugins/http/http_settings.h"
#include "plugins/settings.h"

namespace reconciler::webhook {

namespace {

constexpr int64_t minute = 60'000;

constexpr std::array keys{
    vr::text_key(
        "url", "Where each message is posted to; often its path is a secret, so it is never shown.",
        nullptr, VR_KEY_REQUIRED | VR_KEY_SECRET),
    vr::text_key("secret_file",
                 "File with the secret by which messages are signed; empty: they are not.", nullptr,
                 VR_KEY_FILE),
    vr::text_key("secret", "Or the secret itself; better a file.", nullptr, VR_KEY_SECRET),
    vr::list_key("headers", "Headers of one's own, each `Name: value`; shown by `check`."),
    vr::text_key("headers_file", "File with more of them, one a line: for those that are secret.",
                 nullptr, VR_KEY_FILE),
    vr::boolean_key("replicas", "Also for a change of the replicas alone."),
    tls_ca_key,
    tls_cert_key,
    tls_key_key,
    tls_server_name_key,
    vr::duration_key("timeout", "How long the receiver may take for its answer.", "5s", 50, minute),
};

}  // namespace

std::span<const vr_key> setting_keys() { return keys; }

Result<Settings> read_settings(const vr_target& target) {
  Settings settings;
  settings.dry_run = vr::is_dry_run(target);
  settings.target = target.name;
  settings.groups.assign(target.groups, target.groups + target.group_count);
  Result<std::string> url = read_url(text_setting(target, "url"), true);
  if (!url) return url.error().within("url");
  settings.url = text_setting(target, "url");  // as it is written: a slash at its end counts
  Result<Secret> secret = Secret::of(target, "secret");
  if (!secret) return secret.error();
  settings.secret = std::move(*secret);
  Result<Headers> headers = Headers::of(target);
  if (!headers) return headers.error();
  settings.headers = std::move(*headers);
  settings.replicas = flag_setting(target, "replicas");
  Result<HttpTls> tls = read_tls(target);
  if (!tls) return tls.error();
  settings.tls = std::move(*tls);
  settings.timeout_ms = milliseconds_setting(target, "timeout");
  return settings;
}

}  // namespace reconciler::webhook
