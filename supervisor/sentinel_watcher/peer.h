// Who is at the other end of a connection that is to be made.
#pragma once

#include <sys/socket.h>

#include <string>

namespace reconciler {

struct Peer {
  sockaddr_storage address{};  // with its port
  // The name under which it was configured or told of, else its IP address as text: its certificate must be for that.
  std::string host;
};

}  // namespace reconciler
