#include "supervisor/sentinel_watcher/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/descriptor.h"

namespace reconciler {

Result<std::string> read_small_file(const std::string& path, std::size_t max_size) {
  // O_NONBLOCK: a pipe in its place must not hold up the loop.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return Error(std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Error(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return Error("not a regular file");

  std::string contents(max_size + 1, '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t count = ::read(file.get(), contents.data() + size, contents.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error(std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > max_size) return Error(fmt::format("more than {} KiB", max_size / 1024));
  contents.resize(size);
  return contents;
}

}  // namespace reconciler
