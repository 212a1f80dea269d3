#include "common/config/reading.h"

#include <filesystem>
#include <system_error>

namespace reconciler {

std::string Reading::resolve(const Written& written, const std::string& path) const {
  if (path.empty()) return path;
  std::error_code failed;
  const std::filesystem::path base =
      written.in_file() ? std::filesystem::path(folder) : std::filesystem::current_path(failed);
  // Not normalized: behind a link `..` leads elsewhere.
  return (base / path).string();
}

Layers layers(TableReader* table, const std::string& key, std::optional<Written> variable) {
  Layers out;
  if (table != nullptr) {
    if (const auto written = table->take(key)) out.push_back(*written);
  }
  if (variable) out.push_back(*variable);
  return out;
}

bool Names::add(const Written& written, const std::string& name, Problems& problems) {
  const auto [before, added] = written_.try_emplace(name, written);
  if (added) return true;
  problems.add(written.where(), written.key(),
               fmt::format("{} is there already, at {}; expected it once", quote(name),
                           to_string(before->second.where())));
  return false;
}

std::string read_name(TableReader& table, Names& names, Problems& problems) {
  const auto written = table.take("name");
  if (!written) {
    problems.add(table.where(), table.path_to("name"),
                 "is missing; expected a name for this table");
    return {};
  }
  const auto name = read_text(*written, problems);
  if (!name) return {};
  if (!is_name(*name)) {
    problems.add(written->where(), written->key(),
                 fmt::format("{} is no name; expected 1 to 63 letters, digits, '.', '_' and '-', a "
                             "letter or digit first",
                             quote(*name)));
    return {};
  }
  names.add(*written, *name, problems);
  return *name;
}

void check_order(TableReader& table, const std::string& low, Milliseconds least,
                 const std::string& high, Milliseconds value, Problems& problems) {
  if (value >= least) return;
  auto written = table.take(high);
  if (!written) written = table.take(low);
  if (!written) return;
  problems.add(written->where(), table.path_to(high),
               fmt::format("{} is too small beside {}; expected at least {}",
                           format_duration(value), low, format_duration(least)));
}

void read_sections(TableReader* root, const Environment& environment, Reading& reading,
                   Configuration& configuration) {
  const auto section = [&](const std::string& name) {
    return root == nullptr ? std::nullopt : root->take_table(name);
  };
  const auto finish = [](std::optional<TableReader>& table) {
    if (table) table->refuse_unknown();
  };
  const auto pointer = [](std::optional<TableReader>& table) { return table ? &*table : nullptr; };

  auto http = section("http");
  const bool in_cluster = environment.count("KUBERNETES_SERVICE_HOST") != 0;
  configuration.http_listen = in_cluster ? "[::]:8080" : "127.0.0.1:8080";
  for (const Written& listen :
       layers(pointer(http), "listen",
              reading.variables.take_even_empty("VALKEY_RECONCILER_HTTP", "http.listen"))) {
    const auto text = read_text(listen, reading.problems);
    if (!text) continue;
    const Result<std::string> address = text->empty() ? std::string() : parse_listen_address(*text);
    if (address) {
      configuration.http_listen = *address;
    } else {
      reading.problems.add(listen.where(), listen.key(), address.error().message());
    }
  }
  finish(http);

  auto log = section("log");
  for (const Written& level : layers(
           pointer(log), "level", reading.variables.take("VALKEY_RECONCILER_LOG", "log.level"))) {
    const auto text = read_choice(level, {"debug", "info", "warning", "error"}, reading.problems);
    if (text) configuration.log.level = log::parse_level(*text).value();
  }
  for (const Written& format :
       layers(pointer(log), "format",
              reading.variables.take("VALKEY_RECONCILER_LOG_FORMAT", "log.format"))) {
    const auto text = read_choice(format, {"text", "json"}, reading.problems);
    if (text) configuration.log.format = log::parse_format(*text).value();
  }
  finish(log);

  auto supervision = section("supervision");
  if (!supervision) return;
  SupervisionSettings& settings = configuration.supervision;
  read_durations(*supervision, supervision_durations, settings, reading.problems);
  check_order(*supervision, "heartbeat_interval", 2 * settings.heartbeat_interval,
              "heartbeat_deadline", settings.heartbeat_deadline, reading.problems);
  check_order(*supervision, "backoff_min", settings.backoff_min, "backoff_max",
              settings.backoff_max, reading.problems);
  finish(supervision);
}

}  // namespace reconciler
