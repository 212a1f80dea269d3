#include "supervisor/control/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace reconciler {

namespace {

constexpr char file_name[] = "/valkey-reconciler.sock";
constexpr char system_folder[] = "/run/valkey-reconciler";
constexpr int backlog = 64;

Error system_error(const std::string& doing) { return Error(doing + ": " + std::strerror(errno)); }

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error(fmt::format("{}: a path of {} bytes, where a socket's has 1 to {}", path,
                             path.size(), sizeof address.sun_path - 1));
  }
  path.copy(address.sun_path, path.size());
  return address;
}

Result<Descriptor> new_socket() {
  Descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.valid()) return system_error("socket");
  return made;
}

// What stands at the path and is to be taken over is removed. The folder is locked meanwhile, or two that start at once would
// each remove the other's.
Result<void> make_room(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(path);
  }
  if (!S_ISSOCK(status.st_mode)) return Error(path + ": there is a file that is no socket");
  auto probe = new_socket();
  if (!probe) return probe.error();
  if (::connect(probe->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN) {
    return Error(path + ": another supervisor that lives has it");
  }
  if (errno != ECONNREFUSED) return system_error(path);
  if (::unlink(path.c_str()) != 0) return system_error("remove " + path);
  return {};
}

}  // namespace

ControlPath control_path(const std::optional<std::string>& given) {
  if (given) return {*given, true};
  if (const char* named = std::getenv("VALKEY_RECONCILER_SOCKET")) return {named, true};
  // systemd names several by colons.
  const char* folders = std::getenv("RUNTIME_DIRECTORY");
  const std::string folder =
      folders == nullptr ? "" : std::string(folders, ::strcspn(folders, ":"));
  if (!folder.empty()) return {folder + file_name, true};
  return {std::string(system_folder) + file_name, false};
}

bool has_control_folder(const std::string& path) {
  return ::access(folder_of(path).c_str(), W_OK | X_OK) == 0;
}

ControlSocket::ControlSocket(std::string path, Descriptor descriptor)
    : path_(std::move(path)), descriptor_(std::move(descriptor)) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      descriptor_(std::move(other.descriptor_)),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket::~ControlSocket() {
  struct stat status {};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

Result<ControlSocket> ControlSocket::listen(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  const std::string folder = folder_of(path);
  const Descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return system_error(folder);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return Error(path + ": another supervisor is about to take it");
  if (auto room = make_room(path, *address); !room) return room.error();
  auto made = new_socket();
  if (!made) return made.error();
  // Linux gives the file the socket's own mode: it is never open to others, not for an instant.
  if (::fchmod(made->get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(made->get(), backlog) != 0) {
    return system_error(path);
  }
  return ControlSocket(path, std::move(*made));
}

}  // namespace reconciler
