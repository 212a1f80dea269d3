#include "supervisor/configuration_source.h"

#include <unistd.h>

#include <utility>

#include "common/log.h"

namespace reconciler {

namespace {

constexpr char system_file[] = RECONCILER_SYSCONF_DIR "/valkey-reconciler.toml";

}  // namespace

ConfigurationSource::ConfigurationSource(std::string named, bool dry_run)
    : named_(std::move(named)), dry_run_(dry_run) {}

std::optional<std::string> ConfigurationSource::file() const {
  if (!named_.empty()) return named_;
  if (::access(system_file, F_OK) == 0) return system_file;
  return std::nullopt;
}

std::string ConfigurationSource::watched_file() const { return file().value_or(system_file); }

Result<Configuration> ConfigurationSource::load(const DescribePlugin& describe,
                                                const SentinelsRead& read) const {
  auto loaded = load_configuration(file(), current_environment(), describe, read);
  if (loaded && dry_run_) {
    loaded->dry_run = true;
    loaded->notes.emplace_back("dry run: no target is changed");
  }
  return loaded;
}

void begin_log(const Configuration& configuration) {
  log::configure("supervisor", configuration.log.level, configuration.log.format);
  for (const std::string& note : configuration.notes) log::warning(note);
}

}  // namespace reconciler
