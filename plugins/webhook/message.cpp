#include "plugins/webhook/message.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "plugins/http/url_path.h"

namespace reconciler::webhook {

namespace {

constexpr std::array own_headers{
    "Content-Type", "Content-Length", "Transfer-Encoding", "Host",
    "Expect",       "Connection",     "Idempotency-Key",   "Valkey-Reconciler-Signature"};

bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr size_t shortest_secret = 8;  // `Bearer` is none

void add_parts(std::vector<std::string>& secrets, std::string_view of,
               std::string_view separators) {
  while (!of.empty()) {
    const size_t end = std::min(of.find_first_of(separators), of.size());
    if (end >= shortest_secret) secrets.emplace_back(of.substr(0, end));
    of.remove_prefix(std::min(end + 1, of.size()));
  }
}

}  // namespace

std::string idempotency_key(std::string_view run, const vr_topology& topology, uint64_t number) {
  return fmt::format("{}/{}/{}.{}.{}/{}", run, url_path(topology.group), topology.era,
                     topology.epoch, topology.step, number);
}

std::string signature(std::string_view secret, int64_t unix_s, std::string_view key,
                      std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", unix_s, key, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  std::string line = fmt::format("t={},v1=", unix_s);
  for (unsigned i = 0; i < length; ++i) line += fmt::format("{:02x}", digest.at(i));
  return line;
}

vr_outcome outcome_of(int status) {
  if (status / 100 == 2) return VR_APPLIED;
  switch (status) {
    case 400:  // the same again would be as wrong
    case 409:  // it knows of a higher decision
    case 410:  // it is not wanted any more
    case 413:
    case 415:
    case 422:
      return VR_REJECTED;
    default:  // among them 401, 403 and 404: its configuration is mended sooner or later
      return VR_RETRY;
  }
}

std::vector<std::string> secrets_of(std::string_view url, const std::vector<std::string>& headers) {
  std::vector<std::string> secrets;
  const size_t host = url.find("://") + 3;
  const size_t path = std::min(url.find_first_of("/?", host), url.size());
  add_parts(secrets, url.substr(path), "/?&=");
  for (const std::string_view header : headers) {
    add_parts(secrets, header.substr(header.find(':') + 1), " \t=,;\"");
  }
  return secrets;
}

Result<void> check_header(std::string_view line) {
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, std::min(colon, line.size()));
  if (colon == std::string_view::npos || name.empty() ||
      !std::all_of(name.begin(), name.end(), is_of_name)) {
    return Error("`Name: value` is expected");
  }
  const std::string_view value = line.substr(colon + 1);
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; };
  if (std::any_of(value.begin(), value.end(), is_control)) {
    return Error(fmt::format("{}: its value has control characters", name));
  }
  if (value.find_first_not_of(" \t") == std::string_view::npos) {
    return Error(fmt::format("{}: its value is empty", name));
  }
  const std::string text(name);
  for (const char* own : own_headers) {
    if (strcasecmp(own, text.c_str()) == 0) {
      return Error(fmt::format("{}: is set by the program itself", name));
    }
  }
  return {};
}

}  // namespace reconciler::webhook
