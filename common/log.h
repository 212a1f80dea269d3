// One line for each event on standard error: text for people or JSON for machines. Called at the
// top of a process only; library code returns errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace reconciler::log {

enum class Level : uint8_t { debug = 0, info = 1, warning = 2, error = 3 };
enum class Format : uint8_t { text = 0, json = 1 };

std::string_view to_string(Level level);
Result<Level> parse_level(std::string_view text);
std::string_view to_string(Format format);
Result<Format> parse_format(std::string_view text);

// What an event is about; what is empty isn't shown. `error` is the cause, as Error::message has
// it.
struct Fields {
  std::string_view group = {};
  std::string_view target = {};
  std::optional<uint64_t> epoch = {};
  std::optional<uint64_t> revision = {};
  std::optional<int64_t> pid = {};
  std::string_view error = {};
};

// Which process speaks (`supervisor`, `sentinel-watcher`, `labeler`), and how. Until it is called:
// text, info.
void configure(std::string_view process, Level level, Format format);

// A line is written by one write(2), so that lines of several processes never mix. It never blocks
// for good and never fails: a line that can't be written is dropped. A warning or an error that comes again within a
// minute is counted instead (log_repetition.h).
void write(Level level, std::string_view message, const Fields& fields = {});

inline void debug(std::string_view message, const Fields& fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, const Fields& fields = {}) {
  write(Level::info, message, fields);
}
inline void warning(std::string_view message, const Fields& fields = {}) {
  write(Level::warning, message, fields);
}
inline void error(std::string_view message, const Fields& fields = {}) {
  write(Level::error, message, fields);
}

// The line itself, without its end. Control characters and bytes that are no UTF-8 are escaped in
// both formats, so that no peer can forge a line. `unix_us`: microseconds since 1970.
std::string render(Format format, std::string_view process, Level level, int64_t unix_us,
                   std::string_view message, const Fields& fields);

// `2026-11-23T15:45:49.123456Z`.
std::string format_time(int64_t unix_us);

}  // namespace reconciler::log
