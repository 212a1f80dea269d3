#include "common/ipc/codec.h"

#include <fmt/format.h>

#include <bit>
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/ipc/fields.h"

namespace reconciler::ipc {

namespace {

// Integers travel as little-endian, of their own width.
template <std::integral T>
void put(std::string& out, T value) {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out += static_cast<char>(bits & 0xff);
    if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits >> 8);
  }
}

template <std::integral T>
T get(std::string_view bytes) {
  std::make_unsigned_t<T> bits = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits << 8);
    bits = static_cast<std::make_unsigned_t<T>>(bits | static_cast<unsigned char>(bytes[i]));
  }
  return static_cast<T>(bits);
}

class Encoder {
 public:
  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      put<uint8_t>(out, value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      put(out, static_cast<uint8_t>(value));
    } else if constexpr (std::integral<T>) {
      put(out, value);
    } else if constexpr (std::is_same_v<T, double>) {
      put(out, std::bit_cast<uint64_t>(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
      put(out, static_cast<uint32_t>(value.size()));
      out += value;
    } else {
      fields(*this, value);
    }
  }

  template <typename T>
  void operator()(std::vector<T>& list) {
    put(out, static_cast<uint32_t>(list.size()));
    for (T& element : list) (*this)(element);
  }

  template <typename... Ts>
  void operator()(std::variant<Ts...>& value) {
    put(out, static_cast<uint8_t>(value.index()));
    std::visit([this](auto& held) { (*this)(held); }, value);
  }

  std::string out;
};

// After the first thing that is wrong nothing more is read, and `failure` says what it was.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : in_(in), whole_(in.size()) {}

  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      number(byte);
      if (byte > 1) fail("a truth value that is neither 0 nor 1");
      value = byte == 1;
    } else if constexpr (std::is_enum_v<T>) {
      uint8_t byte = 0;
      number(byte);
      if (byte > highest(T{})) {
        fail("an enumeration's value that isn't known");
        return;
      }
      value = static_cast<T>(byte);
    } else if constexpr (std::integral<T>) {
      number(value);
    } else if constexpr (std::is_same_v<T, double>) {
      uint64_t bits = 0;
      number(bits);
      value = std::bit_cast<double>(bits);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = std::string(take(length()));
    } else {
      fields(*this, value);
    }
  }

  template <typename T>
  void operator()(std::vector<T>& list) {
    // Each element takes a byte at least, so a forged count reserves no memory.
    const std::size_t count = length();
    for (std::size_t i = 0; i < count && failure_.empty(); ++i) (*this)(list.emplace_back());
  }

  template <typename... Ts>
  void operator()(std::variant<Ts...>& value) {
    uint8_t index = 0;
    number(index);
    if (index >= sizeof...(Ts)) {
      fail("an alternative that isn't known");
      return;
    }
    choose(value, index, std::index_sequence_for<Ts...>());
    std::visit([this](auto& held) { (*this)(held); }, value);
  }

  Result<void> finish() {
    if (failure_.empty() && !in_.empty()) fail("bytes after the last field");
    if (failure_.empty()) return {};
    return Error(failure_);
  }

 private:
  template <typename V, std::size_t... I>
  static void choose(V& value, std::size_t index, std::index_sequence<I...>) {
    ((I == index ? static_cast<void>(value.template emplace<I>()) : void()), ...);
  }

  template <std::integral T>
  void number(T& value) {
    const std::string_view bytes = take(sizeof(T));
    if (bytes.size() == sizeof(T)) value = get<T>(bytes);
  }

  // A length that the rest can hold.
  std::size_t length() {
    uint32_t size = 0;
    number(size);
    if (size > in_.size()) {
      fail(fmt::format("a length of {} where {} bytes are left", size, in_.size()));
      return 0;
    }
    return size;
  }

  std::string_view take(std::size_t size) {
    if (size > in_.size()) fail(fmt::format("{} bytes where {} are wanted", in_.size(), size));
    if (!failure_.empty()) return {};
    const std::string_view taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  void fail(std::string_view what) {
    if (failure_.empty()) failure_ = fmt::format("at byte {}: {}", whole_ - in_.size(), what);
  }

  std::string_view in_;
  std::size_t whole_;
  std::string failure_;
};

template <std::size_t... I>
Message empty_message(std::size_t index, std::index_sequence<I...>) {
  Message message;
  ((I == index ? static_cast<void>(message.emplace<I>()) : void()), ...);
  return message;
}

static_assert(std::variant_size_v<Message> == message_type_count);
static_assert(std::is_same_v<
              std::variant_alternative_t<static_cast<std::size_t>(MessageType::ordered), Message>,
              Ordered>);

constexpr uint32_t flag_memfd = 1;

}  // namespace

std::string_view to_string(MessageType type) {
  switch (type) {
    case MessageType::hello:
      return "hello";
    case MessageType::configure:
      return "configure";
    case MessageType::ready:
      return "ready";
    case MessageType::topology:
      return "topology";
    case MessageType::outcome:
      return "outcome";
    case MessageType::heartbeat:
      return "heartbeat";
    case MessageType::shutdown:
      return "shutdown";
    case MessageType::report:
      return "report";
    case MessageType::ask:
      return "ask";
    case MessageType::answer:
      return "answer";
    case MessageType::order:
      return "order";
    case MessageType::ordered:
      break;
  }
  return "ordered";
}

std::string encode_header(const Frame& frame, bool body_in_memfd) {
  std::string out;
  out.reserve(header_size + frame.group.size());
  put(out, protocol_version);
  put(out, static_cast<uint16_t>(frame.type));
  put(out, body_in_memfd ? flag_memfd : uint32_t{0});
  put(out, frame.generation);
  put(out, frame.revision);
  put(out, static_cast<uint32_t>(frame.group.size()));
  put(out, static_cast<uint32_t>(frame.body.size()));
  out += frame.group;
  return out;
}

Result<Header> decode_header(std::string_view packet) {
  if (packet.size() < header_size) {
    return Error(
        fmt::format("a packet of {} bytes, where a header has {}", packet.size(), header_size));
  }
  const auto version = get<uint16_t>(packet);
  const auto type = get<uint16_t>(packet.substr(2));
  const auto flags = get<uint32_t>(packet.substr(4));
  Header header;
  header.generation = get<uint64_t>(packet.substr(8));
  header.revision = get<uint64_t>(packet.substr(16));
  header.group_size = get<uint32_t>(packet.substr(24));
  header.body_size = get<uint32_t>(packet.substr(28));

  if (version != protocol_version) {
    return Error(fmt::format("protocol version {}, where this program speaks {}", version,
                             protocol_version));
  }
  if (type >= message_type_count)
    return Error(fmt::format("message type {}, which isn't known", type));
  if ((flags & ~flag_memfd) != 0)
    return Error(fmt::format("flags {:#x}, which aren't known", flags));
  if (header.group_size > max_group_size || header.body_size > max_body_size) {
    return Error(
        fmt::format("a group of {} and a body of {} bytes", header.group_size, header.body_size));
  }
  header.type = static_cast<MessageType>(type);
  header.body_in_memfd = (flags & flag_memfd) != 0;
  const std::size_t inside =
      header_size + header.group_size + (header.body_in_memfd ? 0 : header.body_size);
  if (packet.size() != inside) {
    return Error(
        fmt::format("a packet of {} bytes, where its header says {}", packet.size(), inside));
  }
  return header;
}

MessageType type_of(const Message& message) { return static_cast<MessageType>(message.index()); }

std::string encode_body(const Message& message) {
  Encoder encoder;
  // `fields` takes what it visits by a reference that can be written, for the decoder's sake.
  std::visit([&](auto& held) { encoder(held); }, const_cast<Message&>(message));
  return std::move(encoder.out);
}

Result<Message> decode_body(MessageType type, std::string_view body) {
  Message message =
      empty_message(static_cast<std::size_t>(type), std::make_index_sequence<message_type_count>());
  Decoder decoder(body);
  std::visit([&](auto& held) { decoder(held); }, message);
  if (auto finished = decoder.finish(); !finished) {
    return finished.error().within(fmt::format("{} message", to_string(type)));
  }
  return message;
}

}  // namespace reconciler::ipc
