#include "supervisor/control/control_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "supervisor/control/control_server.h"

namespace reconciler {

ControlConnection::ControlConnection(uv_loop_t* loop, Descriptor descriptor, Handlers handlers)
    : descriptor_(std::move(descriptor)),
      handlers_(std::move(handlers)),
      deadline_(loop),
      loop_(loop) {}

Result<void> ControlConnection::start() {
  if (auto opened = poll_.open(loop_, descriptor_.get()); !opened) return opened.error();
  deadline_.start(control_timeout_ms, handlers_.on_end);
  poll_.start(UV_READABLE, [this](int, int) { read(); });
  return {};
}

// Once in a turn of the loop: whoever sends without end waits for all others between.
void ControlConnection::read() {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::recv(descriptor_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return std::function(handlers_.on_end)();
  const std::size_t before = line_.size();
  line_.append(buffer.data(), static_cast<std::size_t>(n));
  const std::size_t end = line_.find('\n', before);
  if (end == std::string::npos && line_.size() <= max_control_request) return;
  poll_.stop();
  if (end == std::string::npos || end > max_control_request) {
    return answer(control_error(
        fmt::format("a request has a line of {} bytes at most", max_control_request)));
  }
  line_.resize(end);
  deadline_.start(control_answer_timeout_ms, handlers_.on_end);
  std::function(handlers_.on_line)(std::exchange(line_, {}));
}

void ControlConnection::answer(std::string document) {
  answer_ = std::move(document) + "\n";
  deadline_.start(control_timeout_ms, handlers_.on_end);
  poll_.start(UV_WRITABLE, [this](int, int) { write(); });
}

void ControlConnection::write() {
  const ssize_t n =
      ::send(descriptor_.get(), answer_.data() + written_, answer_.size() - written_, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) written_ += static_cast<std::size_t>(n);
  if (n < 0 || written_ == answer_.size()) std::function(handlers_.on_end)();
}

}  // namespace reconciler
