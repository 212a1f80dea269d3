#include "supervisor/sentinel_watcher/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

namespace reconciler {

namespace {

constexpr unsigned keepalive_after_seconds = 15;

// libuv fills it and hands it over before it asks for one again, so that one serves all connections of the loop.
std::array<char, 64 * 1024>& receive_buffer() {
  thread_local std::array<char, 64 * 1024> buffer;
  return buffer;
}

struct Writing {
  uv_write_t request;
  std::string bytes;
};

}  // namespace

// Requests and reads that end after the TcpStream find null in the slot.
class TcpStream::Socket : public uv::Owner<uv_tcp_t, TcpStream*> {
 public:
  Socket(uv_loop_t* loop, TcpStream* stream) {
    uv_tcp_init(loop, handle());
    callback() = stream;
  }

  uv_tcp_t* tcp() { return handle(); }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(handle()); }

  template <typename Handle>
  static TcpStream* stream_of(Handle* handle) {
    return static_cast<SlotType*>(handle->data)->callback;
  }
};

TcpStream::TcpStream(uv_loop_t* loop, unsigned unacknowledged_ms, Handlers handlers)
    : handlers_(std::move(handlers)),
      unacknowledged_ms_(unacknowledged_ms),
      socket_(std::make_unique<Socket>(loop, this)) {}

TcpStream::~TcpStream() = default;

Result<void> TcpStream::connect(const sockaddr_storage& address) {
  auto request = std::make_unique<uv_connect_t>();
  const int code =
      uv_tcp_connect(request.get(), socket_->tcp(), reinterpret_cast<const sockaddr*>(&address),
                     [](uv_connect_t* done, int status) {
                       TcpStream* self = Socket::stream_of(done->handle);
                       delete done;
                       if (self != nullptr) self->connected(status);
                     });
  if (code != 0) return Error(uv_strerror(code));
  (void)request.release();  // NOLINT(bugprone-unused-return-value): the callback's from now on
  return {};
}

void TcpStream::connected(int status) {
  if (status != 0) return end(Error(uv_strerror(status)));
  set_options();
  const int code = uv_read_start(
      socket_->stream(),
      [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
        *buffer =
            uv_buf_init(receive_buffer().data(), static_cast<unsigned>(receive_buffer().size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        if (TcpStream* self = Socket::stream_of(stream)) self->received(count, buffer->base);
      });
  if (code != 0) return end(Error(uv_strerror(code)));
  const auto tell = handlers_.on_connected;  // a copy each time: a handler may destroy *this
  tell();
}

void TcpStream::set_options() {
  uv_tcp_nodelay(socket_->tcp(), 1);
  uv_tcp_keepalive(socket_->tcp(), 1, keepalive_after_seconds);
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<const uv_handle_t*>(socket_->tcp()), &fd) == 0) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms_, sizeof unacknowledged_ms_);
  }
}

void TcpStream::received(ssize_t count, const char* bytes) {
  if (count == 0) return;
  if (count == UV_EOF) return end(Error("closed by the peer"));
  if (count < 0) return end(Error(uv_strerror(static_cast<int>(count))));
  const auto tell = handlers_.on_bytes;
  tell(std::string_view(bytes, static_cast<std::size_t>(count)));
}

void TcpStream::write(std::string bytes) {
  uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  const int written = uv_try_write(socket_->stream(), &buffer, 1);
  if (written == static_cast<int>(bytes.size())) return;
  if (written > 0) bytes.erase(0, static_cast<std::size_t>(written));

  auto writing = std::make_unique<Writing>(Writing{{}, std::move(bytes)});
  writing->request.data = writing.get();
  buffer = uv_buf_init(writing->bytes.data(), static_cast<unsigned>(writing->bytes.size()));
  const int code =
      uv_write(&writing->request, socket_->stream(), &buffer, 1,
               [](uv_write_t* done, int) { delete static_cast<Writing*>(done->data); });
  if (code == 0)
    (void)writing.release();  // NOLINT(bugprone-unused-return-value): the callback's from now on
}

void TcpStream::end(const Error& cause) {
  uv_read_stop(socket_->stream());
  const auto tell = handlers_.on_end;
  tell(cause);
}

}  // namespace reconciler
