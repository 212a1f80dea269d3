#include "supervisor/sentinel_watcher/resp.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"

namespace reconciler {

namespace {

// Elements of an array: more than SENTINEL MASTER has. What is announced beyond that costs nothing until it comes.
constexpr std::size_t made_room_for = 64;

}  // namespace

// The reply that is being read, and the limit that it broke. hiredis calls the functions below for each value; to return
// nullptr makes it give up.
struct RespReader::Building {
  RespLimits limits;
  std::size_t bytes = 0;
  std::size_t values = 0;
  std::string broken;

  static Building& of(const redisReadTask* task) { return *static_cast<Building*>(task->privdata); }

  void* refuse(std::string why) {
    broken = std::move(why);
    return nullptr;
  }

  // Into the array that is being read, or as the reply itself. An array's last element is the one that is filled, so
  // that growing never moves an array that is still to be filled.
  void* place(const redisReadTask* task, Reply value) {
    if (++values > limits.values) {
      return refuse(fmt::format("a reply of more than {} values", limits.values));
    }
    if (task->parent == nullptr) return new Reply(std::move(value));
    auto& siblings = static_cast<Reply*>(task->parent->obj)->elements;
    siblings.push_back(std::move(value));
    return &siblings.back();
  }

  static void* string(const redisReadTask* task, char* text, std::size_t length) {
    Building& self = of(task);
    Reply reply;
    switch (task->type) {
      case REDIS_REPLY_STRING:
        reply.kind = Reply::Kind::string;
        break;
      case REDIS_REPLY_STATUS:
        reply.kind = Reply::Kind::status;
        break;
      case REDIS_REPLY_ERROR:
        reply.kind = Reply::Kind::error;
        break;
      default:
        return self.refuse("a type that RESP2 has not");
    }
    self.bytes += length;
    if (self.bytes > self.limits.bytes) {
      return self.refuse(fmt::format("a reply of more than {} bytes", self.limits.bytes));
    }
    reply.text.assign(text, length);
    return self.place(task, std::move(reply));
  }

  // hiredis 0.14 counts elements in int, 1.x in size_t.
  template <typename Count>
  static void* array(const redisReadTask* task, Count count) {
    Building& self = of(task);
    if (task->type != REDIS_REPLY_ARRAY) return self.refuse("a type that RESP2 has not");
    if (static_cast<std::size_t>(count) > self.limits.elements) {
      return self.refuse(
          fmt::format("an array of {} elements, more than {}", count, self.limits.elements));
    }
    std::size_t depth = 1;
    for (const auto* above = task->parent; above != nullptr; above = above->parent) ++depth;
    if (depth > self.limits.depth) {
      return self.refuse(fmt::format("arrays nested deeper than {}", self.limits.depth));
    }
    Reply reply;
    reply.kind = Reply::Kind::array;
    reply.elements.reserve(std::min(static_cast<std::size_t>(count), made_room_for));
    return self.place(task, std::move(reply));
  }

  static void* integer(const redisReadTask* task, long long value) {
    Reply reply;
    reply.kind = Reply::Kind::integer;
    reply.integer = value;
    return of(task).place(task, std::move(reply));
  }

  static void* nil(const redisReadTask* task) { return of(task).place(task, Reply{}); }

  static void* real(const redisReadTask* task, double, char*, std::size_t) {
    return of(task).refuse("a type that RESP2 has not");
  }
  static void* boolean(const redisReadTask* task, int) {
    return of(task).refuse("a type that RESP2 has not");
  }

  // hiredis calls it for the reply as a whole only.
  static void destroy(void* reply) { delete static_cast<Reply*>(reply); }

  // A template, so that members which only 1.x has are looked at there alone.
  template <typename Functions>
  static Functions make_functions() {
    Functions functions{};
    functions.createString = string;
    functions.createArray = array;
    functions.createInteger = integer;
    functions.createNil = nil;
    functions.freeObject = destroy;
    if constexpr (requires { functions.createDouble; }) functions.createDouble = real;
    if constexpr (requires { functions.createBool; }) functions.createBool = boolean;
    return functions;
  }
};

namespace {

constexpr std::size_t shown = 200;

}  // namespace

std::string error_text(const Reply& reply) {
  return printable(std::string_view(reply.text).substr(0, shown));
}

std::string describe(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::string:
      return fmt::format("a string of {} bytes", reply.text.size());
    case Reply::Kind::status:
      return fmt::format("the status \"{}\"",
                         printable(std::string_view(reply.text).substr(0, shown)));
    case Reply::Kind::error:
      return fmt::format("the error \"{}\"", error_text(reply));
    case Reply::Kind::integer:
      return fmt::format("the number {}", reply.integer);
    case Reply::Kind::nil:
      return "nil";
    case Reply::Kind::array:
      break;
  }
  return fmt::format("an array of {}", reply.elements.size());
}

std::string format_command(const std::vector<std::string_view>& words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> lengths;
  for (const std::string_view word : words) {
    starts.push_back(word.empty() ? "" : word.data());
    lengths.push_back(word.size());
  }
  char* bytes = nullptr;
  const auto length =
      redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), starts.data(), lengths.data());
  if (length < 0) abort_with("redisFormatCommandArgv");
  std::string command(bytes, static_cast<std::size_t>(length));
  redisFreeCommand(bytes);
  return command;
}

RespReader::RespReader(const RespLimits& limits)
    : building_(new Building{.limits = limits, .broken = {}}) {
  static redisReplyObjectFunctions functions =
      Building::make_functions<redisReplyObjectFunctions>();
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) abort_with("redisReaderCreateWithFunctions");
  reader_->privdata = building_.get();
}

RespReader::~RespReader() = default;

Result<void> RespReader::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) return failure();
  return {};
}

Result<std::optional<Reply>> RespReader::next() {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) return failure();
  if (whole == nullptr) {
    // What is left is one line or bulk string, held until its last byte is there.
    if (reader_->len - reader_->pos > building_->limits.string) {
      return Error(
          fmt::format("not RESP2: a string of more than {} bytes", building_->limits.string));
    }
    return std::optional<Reply>{};
  }
  building_->bytes = 0;
  building_->values = 0;
  std::unique_ptr<Reply> reply(static_cast<Reply*>(whole));
  return std::optional<Reply>(std::move(*reply));
}

Error RespReader::failure() const {
  const std::string& broken = building_->broken;
  return Error("not RESP2: " + (broken.empty() ? std::string(reader_->errstr) : broken));
}

}  // namespace reconciler
