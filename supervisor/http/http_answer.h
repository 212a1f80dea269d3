// What a path of the supervisor's HTTP answers, and how large answers are shared. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace reconciler {

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones: name, value
};

// Shared: by all connections to which it is being sent, and by who may give it to the next.
using SharedAnswer = std::shared_ptr<const HttpAnswer>;

// With a thousand groups an answer has half a megabyte and takes milliseconds to write, in the
// process that relays failovers. So a large one is made five times a second at most, whoever asks;
// and while slow readers hold too much already, the newest there is goes out once more, until it is
// too old to be shown.
// Driven and owned by HttpServer.
class SharedAnswers {
 public:
  static constexpr std::size_t large = 16 * 1024;            // bytes
  static constexpr std::size_t most_held = 4 * 1024 * 1024;  // bytes, by readers
  static constexpr uint64_t lasts_ms = 200;
  static constexpr uint64_t lasts_at_most_ms = 5'000;

  // The answer of that path that is to be given once more; none: a new one is to be made.
  SharedAnswer again(const std::string& path, uint64_t now_ms);
  SharedAnswer made(const std::string& path, HttpAnswer answer, uint64_t now_ms);

  // Lets go of what is old.
  void forget(uint64_t now_ms);
  bool empty() const { return kept_.empty(); }

 private:
  struct Kept {
    SharedAnswer answer;
    uint64_t made_ms = 0;
  };

  bool is_of_use(const Kept& kept, uint64_t now_ms);
  bool readers_hold_too_much();

  std::map<std::string, Kept> kept_;  // by path
  std::vector<std::weak_ptr<const HttpAnswer>> large_ones_;
};

}  // namespace reconciler
