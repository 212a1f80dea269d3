#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "plugins/kubernetes/cluster.h"
#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/kubeconfig_files.h"

namespace reconciler {

namespace {

// A path in a kubeconfig is relative to the file's folder.
std::string resolved(const KubeconfigEntry& entry, const std::string& path) {
  if (path.front() == '/') return path;
  const size_t slash = entry.file.rfind('/');
  return slash == std::string::npos ? path : entry.file.substr(0, slash + 1) + path;
}

Result<std::string> decode_base64(const std::string& text) {
  std::string clean;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ') clean += c;
  }
  if (clean.empty() || clean.size() % 4 != 0) return Error("not base64");
  std::string out(clean.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(clean.data()),
                                     static_cast<int>(clean.size()));
  if (length < 0) return Error("not base64");
  size_t padding = 0;
  while (padding < 2 && clean[clean.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<size_t>(length) - padding);
  return out;
}

// `KEY-data` (base64) goes before the file `KEY`, as in kubectl.
Result<void> read_pem(const KubeconfigEntry& entry, const std::string& key, std::string& file,
                      std::string& pem) {
  Result<std::optional<std::string>> data = entry.text((key + "-data").c_str());
  if (!data) return data.error();
  if (*data) {
    Result<std::string> decoded = decode_base64(**data);
    if (!decoded) return entry.wrong(key + "-data: " + decoded.error().message());
    pem = std::move(*decoded);
    return {};
  }
  Result<std::optional<std::string>> path = entry.text(key.c_str());
  if (!path) return path.error();
  if (!*path) return {};
  file = resolved(entry, **path);
  Result<std::string> readable = read_small_file(file, 4u << 20);
  if (!readable) return entry.wrong(key + ": " + readable.error().message());
  return {};
}

Result<void> read_cluster(const KubeconfigEntry& entry, Cluster& cluster) {
  HttpEndpoint& endpoint = cluster.endpoint;
  Result<std::optional<std::string>> server = entry.text("server");
  if (!server) return server.error();
  if (!*server) return entry.wrong("`server` expected");
  endpoint.url = **server;
  while (endpoint.url.ends_with('/')) endpoint.url.pop_back();
  const bool https = endpoint.url.starts_with("https://");
  if (!https && !endpoint.url.starts_with("http://")) {
    return entry.wrong(fmt::format("server: https:// or http:// expected, not `{}`", endpoint.url));
  }
  const std::string_view host = std::string_view(endpoint.url).substr(endpoint.url.find("://") + 3);
  if (host.empty() || host.front() == '/' ||
      host.find_first_of(" \t\r\n?#@") != std::string_view::npos) {
    return entry.wrong(fmt::format("server: `{}` is no address of a server", endpoint.url));
  }
  Result<void> ca =
      read_pem(entry, "certificate-authority", endpoint.tls.ca_file, endpoint.tls.ca_pem);
  if (!ca) return ca;
  for (auto [key, value] : {std::pair("tls-server-name", &endpoint.tls.server_name),
                            std::pair("proxy-url", &endpoint.proxy)}) {
    Result<std::optional<std::string>> text = entry.text(key);
    if (!text) return text.error();
    if (*text) *value = **text;
  }
  Result<std::optional<std::string>> insecure = entry.text("insecure-skip-tls-verify");
  if (!insecure) return insecure.error();
  if (*insecure && **insecure != "true" && **insecure != "false") {
    return entry.wrong("insecure-skip-tls-verify: true or false expected");
  }
  endpoint.tls.insecure = *insecure && **insecure == "true";
  if (!https) endpoint.tls = HttpTls();
  return {};
}

Result<void> read_user(const KubeconfigEntry& entry, Cluster& cluster) {
  for (const char* unsupported : {"exec", "auth-provider", "username", "password", "as", "as-uid",
                                  "as-groups", "as-user-extra"}) {
    const YAML::Node value = entry.node[unsupported];
    if (!value || value.IsNull() || (value.IsScalar() && value.Scalar().empty())) continue;
    return entry.wrong(
        fmt::format("`{}` is not supported: use a token, tokenFile or a client "
                    "certificate (for a service account: kubectl create token)",
                    unsupported));
  }
  HttpTls& tls = cluster.endpoint.tls;
  Result<void> certificate = read_pem(entry, "client-certificate", tls.cert_file, tls.cert_pem);
  if (!certificate) return certificate;
  Result<void> key = read_pem(entry, "client-key", tls.key_file, tls.key_pem);
  if (!key) return key;
  const bool has_certificate = !tls.cert_file.empty() || !tls.cert_pem.empty();
  const bool has_key = !tls.key_file.empty() || !tls.key_pem.empty();
  if (has_certificate != has_key) {
    return entry.wrong("`client-certificate` and `client-key` belong together");
  }
  Result<std::optional<std::string>> token = entry.text("token");
  if (!token) return token.error();
  if (*token) {
    if ((*token)->find_first_of("\r\n") != std::string::npos) {
      return entry.wrong("token: one line expected");
    }
    cluster.token = **token;
  }
  Result<std::optional<std::string>> file = entry.text("tokenFile");
  if (!file) return file.error();
  if (!*file) return {};
  cluster.token_file = resolved(entry, **file);
  Result<std::string> readable = read_small_file(cluster.token_file);
  if (!readable) return entry.wrong("tokenFile: " + readable.error().message());
  return {};
}

Result<Cluster> cluster_of(const KubeconfigFiles& merged) {
  if (merged.context.empty()) return Error("no `current-context`");
  const auto context = merged.contexts.find(merged.context);
  if (context == merged.contexts.end()) {
    return Error(fmt::format("{}: current-context: there is no context `{}`", merged.context_file,
                             merged.context));
  }
  const KubeconfigEntry& chosen = context->second;
  Cluster cluster;
  cluster.origin = fmt::format("context {} of {}", merged.context, chosen.file);

  Result<std::optional<std::string>> cluster_name = chosen.text("cluster");
  if (!cluster_name) return cluster_name.error();
  const auto server = merged.clusters.find(cluster_name->value_or(""));
  if (server == merged.clusters.end()) {
    return chosen.wrong(
        fmt::format("cluster: there is no cluster `{}`", cluster_name->value_or("")));
  }
  Result<void> done = read_cluster(server->second, cluster);
  if (!done) return done.error();

  Result<std::optional<std::string>> user_name = chosen.text("user");
  if (!user_name) return user_name.error();
  if (*user_name) {
    const auto user = merged.users.find(**user_name);
    if (user == merged.users.end()) {
      return chosen.wrong(fmt::format("user: there is no user `{}`", **user_name));
    }
    done = read_user(user->second, cluster);
    if (!done) return done.error();
  }
  Result<std::optional<std::string>> name = chosen.text("namespace");
  if (!name) return name.error();
  cluster.pod_namespace = name->value_or("");
  return cluster;
}

}  // namespace

Result<Cluster> cluster_from_kubeconfig(std::string_view paths) {
  try {
    Result<KubeconfigFiles> merged = read_kubeconfig_files(paths);
    if (!merged) return merged.error().within("kubeconfig");
    Result<Cluster> cluster = cluster_of(*merged);
    if (!cluster) return cluster.error().within("kubeconfig");
    return cluster;
  } catch (const YAML::Exception& error) {
    return Error(fmt::format("kubeconfig: {}", error.what()));
  }
}

}  // namespace reconciler
