// Messages to bytes and back. No socket, no clock. The format is told in PROTOCOL.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/ipc/message.h"
#include "common/result.h"

namespace reconciler::ipc {

// The place of a message in `Message`; its number on the wire.
enum class MessageType : uint16_t {
  hello = 0,
  configure = 1,
  ready = 2,
  topology = 3,
  outcome = 4,
  heartbeat = 5,
  shutdown = 6,
  report = 7,
  ask = 8,
  answer = 9,
  order = 10,
  ordered = 11,
};
constexpr uint16_t message_type_count = 12;

std::string_view to_string(MessageType type);

// One packet. The supervisor relays topologies by the header alone: `body` is opaque to it.
struct Frame {
  MessageType type = MessageType::heartbeat;
  uint64_t generation = 0;  // of the process that sent it; to a child, its own
  uint64_t revision = 0;    // of the topology that it carries or is about; 0: none
  std::string group;        // that it is about; empty: none
  std::string body;
};

constexpr std::size_t header_size = 32;  // bytes before the group's name
constexpr std::size_t max_packet_size =
    128 * 1024;  // header, group and body; a larger body travels as a sealed memfd
constexpr std::size_t max_body_size = 64 * 1024 * 1024;
constexpr std::size_t max_group_size = 4096;

// What stands in a packet's first bytes.
struct Header {
  MessageType type = MessageType::heartbeat;
  bool body_in_memfd = false;
  uint64_t generation = 0;
  uint64_t revision = 0;
  uint32_t group_size = 0;
  uint32_t body_size = 0;
};

// The header and the group's name; the body follows, in the packet or as a memfd.
std::string encode_header(const Frame& frame, bool body_in_memfd);
Result<Header> decode_header(std::string_view packet);

MessageType type_of(const Message& message);
std::string encode_body(const Message& message);
Result<Message> decode_body(MessageType type, std::string_view body);

}  // namespace reconciler::ipc
