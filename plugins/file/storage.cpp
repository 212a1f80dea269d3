#include "plugins/file/storage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "common/descriptor.h"

namespace reconciler::file {

namespace {

// A file of ours is far smaller; what is larger is somebody else's, and its beginning tells so.
constexpr std::size_t max_file_size = 8 * 1024 * 1024;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// -1: not to be changed.
struct Owner {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

std::optional<unsigned> number_in(const std::string& text) {
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<uid_t> user_named(const std::string& name) {
  if (const auto number = number_in(name)) return *number;
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return Error(fmt::format("owner: there is no user `{}`", name));
  return found->pw_uid;
}

Result<gid_t> group_named(const std::string& name) {
  if (const auto number = number_in(name)) return *number;
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return Error(fmt::format("owner: there is no group `{}`", name));
  return found->gr_gid;
}

Result<Owner> owner_of(const std::string& text) {
  Owner owner;
  const std::size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  if (!user.empty()) {
    auto found = user_named(user);
    if (!found) return found.error();
    owner.user = *found;
  }
  if (colon != std::string::npos && colon + 1 < text.size()) {
    auto found = group_named(text.substr(colon + 1));
    if (!found) return found.error();
    owner.group = *found;
  }
  return owner;
}

Result<void> write_file(const Descriptor& file, const std::string& path, const std::string& text,
                        const Access& access) {
  auto owner = owner_of(access.owner);
  if (!owner) return owner.error();
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(file.get(), text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("write", path);
    written += static_cast<std::size_t>(n);
  }
  if (!access.owner.empty() && ::fchown(file.get(), owner->user, owner->group) != 0) {
    return system_error(fmt::format("give to {}", access.owner), path);
  }
  if (::fchmod(file.get(), access.mode) != 0) return system_error("change the mode of", path);
  if (::fsync(file.get()) != 0) return system_error("sync", path);
  return {};
}

bool has_access(int file, const Access& access) {
  struct stat status {};
  const auto owner = owner_of(access.owner);
  if (!owner || ::fstat(file, &status) != 0) return false;
  return (status.st_mode & 07777) == access.mode &&
         (owner->user == static_cast<uid_t>(-1) || owner->user == status.st_uid) &&
         (owner->group == static_cast<gid_t>(-1) || owner->group == status.st_gid);
}

}  // namespace

Error system_error(std::string_view doing, const std::string& path) {
  return Error(fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

Result<mode_t> parse_mode(const std::string& text) {
  mode_t mode = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (failure != std::errc() || end != text.data() + text.size() || mode > 0777) {
    return Error(fmt::format("`{}` is no mode such as 0640", text));
  }
  return mode;
}

Result<std::optional<Found>> read_file(const std::string& path, const Access& access) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT) return std::optional<Found>();
    return system_error("open", path);
  }
  Found found{{}, has_access(file.get(), access)};
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path);
    found.text.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0 || found.text.size() > max_file_size) {
      return std::optional<Found>(std::move(found));
    }
  }
}

Result<void> replace_file(const std::string& path, const std::string& text, const Access& access) {
  const std::string folder = folder_of(path);
  // A labeler that is being replaced may write at the same moment, and so may one in another container, under the same
  // number of a process: each has a name of its own.
  constexpr std::string_view ending = ".new";
  std::string temporary =
      fmt::format("{}/.{}.XXXXXX{}", folder, path.substr(folder.size() + 1), ending);
  const Descriptor file(::mkostemps(temporary.data(), static_cast<int>(ending.size()), O_CLOEXEC));
  if (!file.valid()) return system_error("create", temporary);
  if (auto written = write_file(file, temporary, text, access); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = system_error("replace", path);
    ::unlink(temporary.c_str());
    return error;
  }
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return system_error("sync", folder);
  return {};
}

}  // namespace reconciler::file
