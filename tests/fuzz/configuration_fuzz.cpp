// Any bytes as the configuration file, as variables and as a plugin's description: an answer, never a crash. What is accepted
// is printed by to_toml and accepted again.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/config/loading.h"
#include "common/text.h"
#include "tests/unit/plugin_schemas.h"

namespace {

using namespace reconciler;

// A file in memory, so that nothing is written to a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content)
      : fd_(::memfd_create("configuration", MFD_CLOEXEC)) {
    if (fd_ < 0 ||
        ::write(fd_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      std::abort();
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// A line NAME=VALUE for each variable, up to an empty one.
Environment take_variables(std::string_view& rest) {
  Environment environment;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
    if (line.empty()) break;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.find('\0') != std::string_view::npos) continue;
    environment.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return environment;
}

void require(bool holds, const char* what) {
  if (!holds) abort_with(what);
}

void try_file(std::string_view content, const Environment& environment) {
  const MemoryFile file(content);
  const auto loaded = load_configuration(file.path(), environment, test::describe);
  if (!loaded) {
    require(!loaded.error().message().empty() && is_utf8(loaded.error().message()),
            "an error that is no text");
    return;
  }
  const std::string shown = to_toml(*loaded);
  const MemoryFile again(shown);
  const auto reloaded = load_configuration(again.path(), {}, test::describe);
  if (!reloaded) abort_with((reloaded.error().message() + "\n" + shown).c_str());
  const std::string reshown = to_toml(*reloaded);
  require(reshown.substr(reshown.find('\n')) == shown.substr(shown.find('\n')),
          "shown otherwise when it was read again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  switch (bytes[0] % 4) {
    case 0:
      try_file(rest, {});
      break;
    case 1: {
      const Environment environment = take_variables(rest);
      try_file(rest, environment);
      break;
    }
    case 2: {
      const auto loaded = load_configuration(std::nullopt, take_variables(rest), test::describe);
      if (!loaded) require(is_utf8(loaded.error().message()), "an error that is no text");
      break;
    }
    default: {
      const auto schema = parse_plugin_schema(rest);
      if (schema)
        require(parse_plugin_schema(to_json(*schema)).ok(),
                "a description that can't be read again");
      break;
    }
  }
  return 0;
}
