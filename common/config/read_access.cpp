// What it takes to be let in, to Sentinels and to instances alike: user, password and TLS, with the variables over them.
#include "common/config/reading.h"

namespace reconciler {

namespace {

class AccessReader {
 public:
  AccessReader(const AccessVariables& variables, Reading& reading)
      : variables_(variables), reading_(reading), problems_(reading.problems) {}

  AccessSettings read(TableReader* table) {
    for (const Written& layer : layers(table, "username", variables_.username)) {
      access_.username = read_text(layer, problems_).value_or("");
    }
    const auto in_file = [&](const std::string& key) {
      return table == nullptr ? std::nullopt : table->take(key);
    };
    const auto password = in_file("password");
    const auto password_file = in_file("password_file");
    // Of the two kinds, the variables go over the file's; within one source there is one of them.
    read_password(password, password_file);
    read_password(variables_.password, variables_.password_file);
    read_tls(table == nullptr ? std::nullopt : table->take_table("tls"));
    return access_;
  }

 private:
  void read_password(const std::optional<Written>& password, const std::optional<Written>& file) {
    std::string text;
    std::string path;
    if (password) text = read_secret(*password);
    if (file) path = reading_.resolve(*file, read_text(*file, problems_).value_or(""));
    if (!text.empty() && !path.empty()) {
      problems_.add(file->where(), file->key(),
                    fmt::format("is there beside the password at {}; expected one of the two",
                                to_string(password->where())));
    }
    if (text.empty() && path.empty()) return;
    access_.password = text;
    access_.password_file = path;
  }

  // Any bytes from a variable; never shown.
  std::string read_secret(const Written& written) {
    if (written.in_file()) return read_text(written, problems_).value_or("");
    if (written.text().size() <= longest_text) return written.text();
    problems_.add(written.where(), written.key(),
                  fmt::format("is too long; expected at most {} bytes", longest_text));
    return {};
  }

  // A table that is there means TLS, unless it says otherwise. What contradicts itself matters where there is TLS.
  void read_tls(std::optional<TableReader> table) {
    const std::size_t before = problems_.count();
    TlsSettings& tls = access_.tls;
    TableReader* keys = table ? &*table : nullptr;
    tls.enabled = table.has_value();
    for (const Written& layer : layers(keys, "enabled", {}))
      tls.enabled = read_boolean(layer, problems_).value_or(true);
    const auto ca_file = read_path(layers(keys, "ca_file", variables_.ca_file), tls.ca_file);
    const auto cert_file = read_path(layers(keys, "cert_file", {}), tls.cert_file);
    const auto key_file = read_path(layers(keys, "key_file", {}), tls.key_file);
    const auto server_name = read_server_name(layers(keys, "server_name", {}));
    const auto insecure = read_insecure(keys);
    if (table) table->refuse_unknown();
    if (problems_.count() != before) return;

    if (tls.enabled) {
      refuse_half_a_pair(cert_file, "key_file", key_file);
      refuse_half_a_pair(key_file, "cert_file", cert_file);
      refuse_unused(insecure, "ca_file", ca_file);
      refuse_unused(insecure, "server_name", server_name);
    } else if (variables_.ca_file) {
      problems_.add(variables_.ca_file->where(), variables_.ca_file->key(),
                    "is set, but TLS is off; expected VALKEY_SENTINEL_TLS=true beside it");
    }
  }

  // Gives where the path comes from, if there is one.
  std::optional<Written> read_path(const Layers& written, std::string& path) {
    std::optional<Written> from;
    for (const Written& layer : written) {
      path = reading_.resolve(layer, read_text(layer, problems_).value_or(""));
      from = path.empty() ? std::nullopt : std::optional(layer);
    }
    return from;
  }

  std::optional<Written> read_server_name(const Layers& written) {
    std::optional<Written> from;
    for (const Written& layer : written) {
      const auto text = read_text(layer, problems_);
      if (!text || text->empty()) continue;
      const Result<Address> address = parse_address(*text);
      if (address && !address->port) {
        access_.tls.server_name = address->host;
        from = layer;
        continue;
      }
      problems_.add(layer.where(), layer.key(),
                    fmt::format("{} is no host; expected a host name or an IP address, without a "
                                "port",
                                quote(*text)));
    }
    return from;
  }

  // Gives what asks for it, if anything does; the variable says everything at once.
  std::optional<Written> read_insecure(TableReader* keys) {
    TlsSettings& tls = access_.tls;
    std::optional<Written> from;
    for (const Written& layer : layers(keys, "insecure_skip_verify", {})) {
      tls.insecure_skip_verify = read_boolean(layer, problems_).value_or(false);
      from = layer;
    }
    if (variables_.tls) {
      const auto text = read_choice(*variables_.tls, {"false", "true", "insecure"}, problems_);
      tls.enabled = text != "false";
      tls.insecure_skip_verify = text == "insecure";
      from = variables_.tls;
    }
    return tls.insecure_skip_verify ? from : std::nullopt;
  }

  void refuse_half_a_pair(const std::optional<Written>& one, std::string_view name,
                          const std::optional<Written>& other) {
    if (!one || other) return;
    problems_.add(one->where(), one->key(),
                  fmt::format("is there without {}; expected both, or neither", name));
  }

  // Rather than leave a check out that somebody relies on.
  void refuse_unused(const std::optional<Written>& insecure, std::string_view name,
                     const std::optional<Written>& check) {
    if (!insecure || !check) return;
    problems_.add(insecure->where(), insecure->key(),
                  fmt::format("is {}, which leaves out the check that {} at {} is for; expected "
                              "one of the two",
                              insecure->shown(), name, to_string(check->where())));
  }

  const AccessVariables& variables_;
  Reading& reading_;
  Problems& problems_;
  AccessSettings access_;
};

}  // namespace

AccessSettings read_access(TableReader* table, const AccessVariables& variables, Reading& reading) {
  return AccessReader(variables, reading).read(table);
}

}  // namespace reconciler
