#include "supervisor/command_line/control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/descriptor.h"

namespace reconciler::command_line {

namespace {

constexpr int timeout_s = 15;  // longer than targets are waited for
constexpr std::size_t max_answer = 64 * 1024 * 1024;

std::string advice(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such socket: is the supervisor running, and is this the one that it was "
             "given "
             "(VALKEY_RECONCILER_SOCKET, --socket)?";
    case ECONNREFUSED:
      return "nobody listens there any more: start valkey-reconciler";
    case EACCES:
    case EPERM:
      return "only the user that the supervisor runs as may open it: call this as that user";
    default:
      return std::strerror(error);
  }
}

Error unanswered(const std::string& socket, const std::string& why) {
  return Error(fmt::format("no supervisor answers at {}: {}", socket, why));
}

}  // namespace

Result<std::string> ask_supervisor(const std::string& socket, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty())
    return Error("no control socket is named (VALKEY_RECONCILER_SOCKET is empty)");
  if (socket.size() >= sizeof address.sun_path)
    return unanswered(
        socket, fmt::format("a socket's path has {} bytes at most", sizeof address.sun_path - 1));
  socket.copy(address.sun_path, socket.size());
  const Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection.valid()) return unanswered(socket, std::strerror(errno));
  const timeval timeout{timeout_s, 0};
  ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unanswered(socket, advice(errno));

  const std::string line = request + "\n";
  if (::send(connection.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return unanswered(socket, std::strerror(errno));
  }
  std::string answer;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t n = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return unanswered(socket, fmt::format("it is silent for {} s", timeout_s));
    if (n < 0) return unanswered(socket, std::strerror(errno));
    if (n == 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(n));
    if (answer.size() > max_answer) return unanswered(socket, "it answers without end");
  }
  if (answer.empty()) return unanswered(socket, "it closes without an answer");
  return answer;
}

}  // namespace reconciler::command_line
