#include "plugins/http/http_settings.h"

#include <curl/curl.h>

#include <fstream>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "plugins/settings.h"

namespace reconciler {

namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

bool has(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  const bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return found;
}

}  // namespace

Result<HttpTls> read_tls(const vr_target& target) {
  HttpTls tls;
  tls.ca_file = text_setting(target, tls_ca_key.name);
  tls.cert_file = text_setting(target, tls_cert_key.name);
  tls.key_file = text_setting(target, tls_key_key.name);
  tls.server_name = text_setting(target, tls_server_name_key.name);
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return Error("tls_cert_file and tls_key_file: one needs the other");
  }
  for (const std::string& file : {tls.ca_file, tls.cert_file, tls.key_file}) {
    if (!file.empty() && std::ifstream(file).get() == std::ifstream::traits_type::eof()) {
      return Error(fmt::format("{} can't be read, or is empty", file));
    }
  }
  return tls;
}

Result<std::string> read_url(const std::string& text, bool with_query) {
  // Its text may hold a password: it is not quoted.
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (!(text.starts_with("http://") || text.starts_with("https://")) ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return Error("a URL is expected, `http://host:port` or `https://host:port`");
  }
  if (has(url.get(), CURLUPART_USER) || has(url.get(), CURLUPART_PASSWORD)) {
    return Error("a URL without user and password is expected: they have keys of their own");
  }
  // libcurl does not tell an empty one, and what is put behind would still be part of it.
  if (text.find_first_of(with_query ? "#" : "?#") != std::string::npos) {
    return Error(with_query ? "a URL without `#` is expected"
                            : "a URL without `?` and `#` is expected");
  }
  std::string plain = text;
  while (plain.ends_with('/')) plain.pop_back();
  return plain;
}

Result<std::vector<std::string>> read_urls(const vr_target& target, const char* key) {
  std::vector<std::string> urls;
  for (const std::string& text : list_setting(target, key)) {
    Result<std::string> url = read_url(text);
    if (!url) return url.error().within(key);
    urls.push_back(std::move(*url));
  }
  return urls;
}

}  // namespace reconciler
