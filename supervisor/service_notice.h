// What systemd is told of a service with Type=notify: ready, reloading, stopping, and alive for its watchdog. The
// protocol is one datagram a message to $NOTIFY_SOCKET, sd_notify(3); without that variable nothing is said.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <string_view>

#include "common/descriptor.h"
#include "common/uv/handle.h"

namespace reconciler {

// Driven by the loop, owned by main.
class ServiceNotice {
 public:
  // Says that this program lives for as long as the loop turns, where $WATCHDOG_USEC asks for it.
  explicit ServiceNotice(uv_loop_t* loop);

  void ready();  // after the start, and after a reload whatever came of it
  void reloading();
  void stopping();

 private:
  void open(std::string_view socket);
  void send(std::string_view message);

  Descriptor socket_;
  sockaddr_un address_{};
  socklen_t address_size_ = 0;
  uv::Timer alive_;
};

}  // namespace reconciler
