// The keys that the HTTP targets share, and what they say once checked.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "plugins/http/http_client.h"
#include "plugins/valkey_reconciler_plugin.hpp"

namespace reconciler {

inline constexpr vr_key tls_ca_key =
    vr::text_key("tls_ca_file", "Whose certificates are trusted, PEM; empty: the system's.",
                 nullptr, VR_KEY_FILE);
inline constexpr vr_key tls_cert_key = vr::text_key(
    "tls_cert_file", "The client's certificate, PEM; with tls_key_file.", nullptr, VR_KEY_FILE);
inline constexpr vr_key tls_key_key =
    vr::text_key("tls_key_file", "And its key, PEM.", nullptr, VR_KEY_FILE);
inline constexpr vr_key tls_server_name_key = vr::text_key(
    "tls_server_name", "The name that the server's certificate must have; empty: the URL's host.");

// Of the four keys above. Whether the files can be read is told now, and they are read again at each connection.
Result<HttpTls> read_tls(const vr_target& target);

// `http://host:port/path` or https, without a slash at the end. An error where it holds a user or a
// fragment or, but for one `with_query`, a query; it is not quoted there.
Result<std::string> read_url(const std::string& text, bool with_query = false);
Result<std::vector<std::string>> read_urls(const vr_target& target, const char* key);

}  // namespace reconciler
