#include "common/config/loading.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "common/config/reading.h"
#include "common/config/toml_bounds.h"
#include "common/descriptor.h"
#include "common/text.h"

namespace reconciler {

namespace {

std::vector<std::string> all_groups(const std::vector<SentinelSettings>& sentinels) {
  std::vector<std::string> groups;
  for (const SentinelSettings& sentinel : sentinels) {
    for (const GroupSettings& group : sentinel.groups) groups.push_back(group.name);
  }
  return groups;
}

}  // namespace

Environment current_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<std::string> read_configuration_file(const std::string& path) {
  const auto wrong = [&](const std::string& what) {
    return Error(fmt::format("{}: cannot be read: {}; expected a configuration file in TOML",
                             printable(path), what));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return wrong(std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return wrong(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return wrong("it is a folder");
  if (!S_ISREG(status.st_mode)) return wrong("it is no regular file");

  std::string text;
  std::array<char, 65'536> buffer{};
  while (text.size() <= largest_file) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return wrong(std::strerror(errno));
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

Result<Configuration> load_configuration(const std::optional<std::string>& file,
                                         const Environment& environment,
                                         const DescribePlugin& plugins, const SentinelsRead& read) {
  Configuration configuration;
  std::unique_ptr<TomlDocument> document;
  std::string folder;
  if (file) {
    Result<std::string> text = read_configuration_file(*file);
    if (!text) return text.error();
    auto parsed = TomlDocument::parse(std::move(text).value(), printable(*file));
    if (!parsed) return parsed.error();
    document = std::move(parsed).value();
    configuration.file = *file;
    std::error_code failed;
    folder = std::filesystem::absolute(*file, failed).parent_path().string();
  }

  Problems problems;
  Variables variables(environment, problems);
  Reading reading{document ? document->file() : "", folder, variables, problems};
  std::optional<TableReader> table;
  if (document) table.emplace(document->root(), "", problems);
  TableReader* root = table ? &*table : nullptr;

  configuration.sentinels = read_sentinels(root, reading);
  read_sections(root, environment, reading, configuration);
  if (read && problems.count() == 0) read(configuration);
  configuration.targets = read_targets(root, all_groups(configuration.sentinels),
                                       configuration.supervision.ready_timeout, plugins, reading);
  if (table) table->refuse_unknown();
  variables.leave(
      "VALKEY_RECONCILER_SOCKET");  // wanted by the command line, too, which reads no configuration
  variables.refuse_unknown();
  if (problems.count() != 0) return problems.error();

  configuration.notes = variables.notes();
  for (std::string& note : notes_on(configuration)) configuration.notes.push_back(std::move(note));
  return configuration;
}

}  // namespace reconciler
