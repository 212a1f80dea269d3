#include "supervisor/sentinel_watcher/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/descriptor.h"

namespace reconciler {

namespace {

constexpr std::size_t max_password_size = 64 * 1024;

Error cannot_read(const std::string& path, const char* why) {
  return Error(fmt::format("read password file {}: {}", path, why));
}

}  // namespace

std::string_view without_last_newline(std::string_view contents) {
  if (!contents.ends_with('\n')) return contents;
  contents.remove_suffix(1);
  if (contents.ends_with('\r')) contents.remove_suffix(1);
  return contents;
}

Result<std::string> read_password_file(const std::string& path) {
  // O_NONBLOCK: a pipe in its place must not hold up the loop.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return cannot_read(path, std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot_read(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");

  std::string contents(max_password_size + 1, '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t count = ::read(file.get(), contents.data() + size, contents.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > max_password_size) return cannot_read(path, "more than 64 KiB");
  contents.resize(size);
  return std::string(without_last_newline(contents));
}

}  // namespace reconciler
