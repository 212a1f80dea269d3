#include "common/ipc/channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace reconciler::ipc {

namespace {

Error system_error(const std::string& doing) { return Error(doing + ": " + std::strerror(errno)); }

// Until descriptors are looked for again where none was left.
constexpr uint64_t again_ms = 100;

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Result<Descriptor> memfd_of(const std::string& body) {
  Descriptor memfd(::memfd_create("valkey-reconciler frame", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd.valid()) return system_error("memfd_create");
  std::size_t written = 0;
  while (written < body.size()) {
    const ssize_t n = ::write(memfd.get(), body.data() + written, body.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("write a memfd");
    written += static_cast<std::size_t>(n);
  }
  if (::fcntl(memfd.get(), F_ADD_SEALS, all_seals) != 0) return system_error("seal a memfd");
  return memfd;
}

Result<std::string> read_memfd(int fd, std::size_t size) {
  const int seals = ::fcntl(fd, F_GET_SEALS);  // a kernel may add one of its own (F_SEAL_EXEC)
  if (seals < 0 || (seals & all_seals) != all_seals) return Error("a body that is no sealed memfd");
  struct stat status {};
  if (::fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) != size) {
    return Error("a memfd of another size than its header says");
  }
  std::string body(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, body.data() + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error("read a memfd");
    done += static_cast<std::size_t>(n);
  }
  return body;
}

// What one recvmsg gave: a packet, or why there is none.
struct Packet {
  ssize_t size = 0;
  bool truncated = false;
  Descriptor memfd;
};

Packet receive_packet(int fd, char* buffer, std::size_t capacity) {
  iovec vector{buffer, capacity};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_LEN(sizeof(int));  // the kernel closes what doesn't fit

  Packet packet;
  do {
    packet.size = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (packet.size < 0 && errno == EINTR);
  if (packet.size < 0) return packet;
  packet.truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(c), sizeof received);
    packet.memfd = Descriptor(received);
  }
  return packet;
}

Result<Frame> frame_of(const Packet& packet, const char* buffer) {
  if (packet.truncated)
    return Error("a packet that is larger than any may be, or no descriptor is left for its body");
  const std::string_view bytes(buffer, static_cast<std::size_t>(packet.size));
  auto header = decode_header(bytes);
  if (!header) return header.error();
  Frame frame{header->type,
              header->generation,
              header->revision,
              std::string(bytes.substr(header_size, header->group_size)),
              {}};
  if (!header->body_in_memfd) {
    frame.body = bytes.substr(header_size + header->group_size);
    return frame;
  }
  auto body = read_memfd(packet.memfd.get(), header->body_size);
  if (!body) return body.error();
  frame.body = std::move(*body);
  return frame;
}

}  // namespace

Result<ChannelPair> make_channel_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return system_error("socketpair");
  }
  return ChannelPair{Descriptor(ends[0]), Descriptor(ends[1])};
}

Channel::Channel(uv_loop_t* loop, Handlers handlers)
    : handlers_(std::move(handlers)), alive_(std::make_shared<bool>(true)), later_(loop) {}

Channel::~Channel() { *alive_ = false; }

Result<std::unique_ptr<Channel>> Channel::open(uv_loop_t* loop, Descriptor descriptor,
                                               Handlers handlers) {
  std::unique_ptr<Channel> channel(new Channel(loop, std::move(handlers)));
  channel->poll_.emplace();
  if (auto opened = channel->poll_->open(loop, descriptor.get()); !opened) return opened.error();
  channel->descriptor_ = std::move(descriptor);
  Channel* raw = channel.get();
  raw->poll_->start(UV_READABLE, [raw](int status, int events) { raw->on_ready(status, events); });
  return channel;
}

void Channel::on_ready(int status, int events) {
  const std::shared_ptr<bool> alive = alive_;
  // An error on the socket shows in recvmsg, after the frames that came before it.
  if (status < 0 || (events & UV_READABLE) != 0) receive();
  if (*alive && descriptor_.valid() && (events & UV_WRITABLE) != 0) flush();
}

bool Channel::receive() {
  const std::shared_ptr<bool> alive = alive_;
  // One buffer for all channels of the process: it is used between two callbacks only.
  static std::vector<char> buffer(max_packet_size);
  // So many at the most before other descriptors have their turn.
  constexpr int burst = 64;
  std::optional<Error> reset;
  for (int i = 0; i < burst; ++i) {
    const Packet packet = receive_packet(descriptor_.get(), buffer.data(), buffer.size());
    if (packet.size < 0 && (errno == ECONNRESET || errno == EPIPE) && !reset) {
      // The other end died with frames of ours unread. Told once, before what it sent itself can be
      // read.
      reset = system_error("the other end is gone");
      continue;
    }
    if (packet.size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !reset) return false;
    if (packet.size <= 0) {
      close(reset              ? *reset
            : packet.size == 0 ? Error("the other end is gone")
                               : system_error("receive"));
      return false;
    }
    const Result<Frame> frame = frame_of(packet, buffer.data());
    if (!frame) {
      close(frame.error());
      return false;
    }
    if (handlers_.on_frame) handlers_.on_frame(*frame);
    if (!*alive || !descriptor_.valid()) return false;
  }
  return true;
}

void Channel::read_rest() {
  const std::shared_ptr<bool> alive = alive_;
  if (!descriptor_.valid()) return;
  while (receive()) {
  }
  if (*alive && descriptor_.valid()) close(Error("the other end has ended"));
}

void Channel::send(Frame frame) {
  if (!descriptor_.valid()) return;
  if (frame.body.size() > max_body_size || frame.group.size() > max_group_size)
    abort_with("frame too large");
  Sent sent = Sent::when_writable;
  if (waiting_.empty() || frame.type == MessageType::heartbeat)
    sent = transmit(descriptor_.get(), frame);
  if (sent == Sent::yes) return;
  const bool first = waiting_.empty();
  for (Frame& older : waiting_) {
    if (older.type == frame.type && older.group == frame.group) {
      older = std::move(frame);
      return;
    }
  }
  waiting_.push_back(std::move(frame));
  if (first) wait_for(sent);
}

void Channel::flush() {
  while (!waiting_.empty()) {
    const Sent sent = transmit(descriptor_.get(), waiting_.front());
    if (sent != Sent::yes) return wait_for(sent);
    waiting_.pop_front();
  }
  poll_->watch(UV_READABLE);
}

void Channel::wait_for(Sent what) {
  poll_->watch(what == Sent::when_writable ? UV_READABLE | UV_WRITABLE : UV_READABLE);
  if (what == Sent::later) later_.start(again_ms, [this] { flush(); });
}

bool Channel::send_now(const Descriptor& end, const Frame& frame) {
  return transmit(end.get(), frame) == Sent::yes;
}

Channel::Sent Channel::transmit(int end, const Frame& frame) {
  return transmit(end, frame,
                  header_size + frame.group.size() + frame.body.size() > max_packet_size);
}

Channel::Sent Channel::transmit(int end, const Frame& frame, bool large) {
  std::string header = encode_header(frame, large);
  Descriptor memfd;
  if (large) {
    auto made = memfd_of(frame.body);
    if (!made) return Sent::later;
    memfd = std::move(*made);
  }

  std::array<iovec, 2> vectors{iovec{header.data(), header.size()},
                               iovec{const_cast<char*>(frame.body.data()), frame.body.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = large ? 1 : 2;
  if (large) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = memfd.get();
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  while (::sendmsg(end, &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EMSGSIZE && !large)
      return transmit(end, frame, true);  // a small net.core.wmem_default
    // Other errors: the other end is gone. Reading tells, after what it sent before.
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::when_writable;
    return errno == ENOBUFS || errno == ETOOMANYREFS ? Sent::later : Sent::yes;
  }
  return Sent::yes;
}

void Channel::drain() {
  const int64_t deadline = static_cast<int64_t>(uv_hrtime() / 1'000'000) + 100;
  while (!waiting_.empty() && descriptor_.valid()) {
    const Sent sent = transmit(descriptor_.get(), waiting_.front());
    if (sent == Sent::yes) {
      waiting_.pop_front();
      continue;
    }
    const int64_t left = deadline - static_cast<int64_t>(uv_hrtime() / 1'000'000);
    if (left <= 0) return;
    if (sent == Sent::later) {
      ::poll(nullptr, 0, 5);
      continue;
    }
    pollfd ready{descriptor_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(left)) == 0) return;
  }
}

void Channel::close(const Error& cause) {
  later_.stop();
  poll_.reset();
  descriptor_.reset();
  waiting_.clear();
  const auto on_closed = handlers_.on_closed;
  if (on_closed) on_closed(cause);
}

}  // namespace reconciler::ipc
