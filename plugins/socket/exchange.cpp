#include "plugins/socket/exchange.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace reconciler {

namespace {

// What a plugin asks for is far smaller; a server that goes on and on is no server of ours.
constexpr size_t max_answer = 4 * 1024 * 1024;

constexpr uint64_t full_pause_ms = 5;

Error system_error(const char* doing) {
  return Error(fmt::format("{}: {}", doing, std::strerror(errno)));
}

bool is_not_yet(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

void Exchange::start(Question question, Done done) {
  stop();
  question_ = std::move(question);
  done_ = std::move(done);
  sent_ = 0;
  received_.clear();
  deadline_.start(question_.timeout_ms, [this] {
    finish(Error(fmt::format("no answer within {} ms", question_.timeout_ms)));
  });
  begin();
}

void Exchange::begin() {
  const Result<bool> begun = connect();
  if (!begun) {
    // What fails at once is told later, too, so that nobody is called back from within his own call.
    deadline_.start(0, [this, error = begun.error()] { finish(error); });
  } else if (!*begun) {
    again_.start(full_pause_ms, [this] { begin(); });
  }
}

void Exchange::stop() {
  deadline_.stop();
  again_.stop();
  watch_.stop();
  socket_.reset();
  done_ = nullptr;
}

// False: not yet. A Unix socket whose backlog is full (ten, of HAProxy's) says EAGAIN, and nothing tells when it has room.
Result<bool> Exchange::connect() {
  const int type = question_.transport == Transport::stream ? SOCK_STREAM : SOCK_DGRAM;
  socket_ = Descriptor(::socket(question_.to.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.valid()) return system_error("socket");
  if (::connect(socket_.get(), question_.to.get(), question_.to.length) != 0 &&
      errno != EINPROGRESS) {
    if (errno == EAGAIN && question_.to.family() == AF_UNIX) return false;
    return system_error("connect");
  }
  if (!watch_.start(socket_.get(), VR_READABLE | VR_WRITABLE, [this](uint32_t) { on_ready(); })) {
    return Error("the socket can't be watched");
  }
  return true;
}

void Exchange::on_ready() {
  if (sent_ < question_.bytes.size()) {
    Result<bool> all = send_rest();
    if (!all) return finish(all.error());
    if (*all) watch_.change(VR_READABLE);
    return;
  }
  Result<bool> whole = receive();
  if (!whole) return finish(whole.error());
  if (*whole) finish(std::move(received_));
}

Result<bool> Exchange::send_rest() {
  while (sent_ < question_.bytes.size()) {
    const ssize_t n = ::send(socket_.get(), question_.bytes.data() + sent_,
                             question_.bytes.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && is_not_yet(errno)) return false;
    if (n < 0) return system_error("send");
    sent_ += static_cast<size_t>(n);
  }
  return true;
}

Result<bool> Exchange::receive() {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && is_not_yet(errno)) return false;
    if (n < 0) return system_error("receive");
    const std::string_view bytes(buffer.data(), static_cast<size_t>(n));
    if (question_.transport == Transport::datagram) {
      if (!question_.is_whole(bytes)) continue;
      received_ = bytes;
      return true;
    }
    if (n == 0) {
      if (!question_.is_whole) return true;
      return Error("the connection was closed in the midst of the answer");
    }
    received_ += bytes;
    if (received_.size() > max_answer)
      return Error("the answer is larger than any that was asked for");
    if (question_.is_whole && question_.is_whole(received_)) return true;
  }
}

void Exchange::finish(Result<std::string> result) {
  const Done done = std::move(done_);
  stop();
  done(std::move(result));
}

}  // namespace reconciler
