#include "supervisor/service_notice.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/log.h"

namespace reconciler {

namespace {

// An empty variable counts as not set.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

// 0: none was given.
uint64_t number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

ServiceNotice::ServiceNotice(uv_loop_t* loop) : alive_(loop) {
  const std::string_view socket = variable("NOTIFY_SOCKET");
  if (socket.empty()) return;
  open(socket);
  const std::string_view watched = variable("WATCHDOG_PID");
  const uint64_t deadline_us = number(variable("WATCHDOG_USEC"));
  if (deadline_us == 0 ||
      (!watched.empty() && number(watched) != static_cast<uint64_t>(::getpid())))
    return;
  alive_.start_repeating(deadline_us / 3'000 + 1, [this] { send("WATCHDOG=1"); });
}

void ServiceNotice::open(std::string_view socket) {
  const bool is_abstract = socket.front() == '@';
  if ((!is_abstract && socket.front() != '/') || socket.size() >= sizeof address_.sun_path) {
    log::warning(fmt::format("NOTIFY_SOCKET={} can't be a socket of systemd", socket));
    return;
  }
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, socket.data(), socket.size());
  if (is_abstract) address_.sun_path[0] = '\0';
  address_size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ServiceNotice::ready() { send("READY=1"); }

// With the time that Type=notify-reload wants.
void ServiceNotice::reloading() {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", uv_hrtime() / 1'000));
}

void ServiceNotice::stopping() { send("STOPPING=1"); }

void ServiceNotice::send(std::string_view message) {
  if (!socket_.valid()) return;
  const ssize_t sent = ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address_), address_size_);
  if (sent < 0) log::warning("systemd can't be told", {.error = std::strerror(errno)});
}

}  // namespace reconciler
