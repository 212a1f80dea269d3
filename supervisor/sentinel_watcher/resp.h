// RESP2 without a socket: commands to bytes, bytes to replies. hiredis does the parsing; what a peer can make it hold is
// bounded here. Source of the format: https://valkey.io/topics/protocol/.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace reconciler {

// One reply, as a value.
struct Reply {
  enum class Kind : uint8_t { string, status, error, integer, nil, array };

  Kind kind = Kind::nil;
  std::string text;             // string, status, error
  int64_t integer = 0;          // integer
  std::vector<Reply> elements;  // array

  bool is_error() const { return kind == Kind::error; }
};

// `a string of 12 bytes`, `an array of 3`, `the error "NOAUTH ..."`: for messages about replies of another kind.
std::string describe(const Reply& reply);

// What an error says, as far as people want it, and nothing that a terminal would obey.
std::string error_text(const Reply& reply);

// A RESP array of bulk strings, so that words may hold any bytes.
std::string format_command(const std::vector<std::string_view>& words);

// What one reply may hold; beyond it the peer is no Sentinel.
struct RespLimits {
  std::size_t bytes = 1024 * 1024;  // of all its strings
  std::size_t string = 64 * 1024;  // of one of them; what is announced costs nothing until it comes
  std::size_t elements = 4096;     // of one array
  std::size_t values = 64 * 1024;  // of the whole reply
  std::size_t depth = 4;           // arrays within arrays
};

// Fed by whoever reads the socket; one for each connection. After an error it is of no more use.
class RespReader {
 public:
  explicit RespReader(const RespLimits& limits = {});
  ~RespReader();
  RespReader(const RespReader&) = delete;
  RespReader& operator=(const RespReader&) = delete;

  Result<void> feed(std::string_view bytes);

  // The next whole reply; nothing where more bytes are needed.
  Result<std::optional<Reply>> next();

 private:
  struct Building;

  Error failure() const;

  std::unique_ptr<Building> building_;
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  std::unique_ptr<redisReader, Free> reader_;  // goes before what its callbacks use
};

}  // namespace reconciler
