#include "common/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <ctime>
#include <mutex>
#include <vector>

#include "common/log_repetition.h"
#include "common/shortened.h"
#include "common/text.h"

namespace reconciler::log {

namespace {

struct Settings {
  std::string process = "valkey-reconciler";
  Level level = Level::info;
  Format format = Format::text;
};

Settings& settings() {
  static Settings instance;
  return instance;
}

struct Output {
  int descriptor = STDERR_FILENO;
  bool is_socket = false;
  bool blocks = true;
};

// Standard error, opened anew where it is a pipe, so that it can be non-blocking here though it is
// shared with other processes; standard error itself where that isn't allowed.
const Output& output() {
  static const Output found = [] {
    Output standard;
    struct stat status {};
    if (::fstat(STDERR_FILENO, &status) != 0) return standard;
    standard.is_socket = S_ISSOCK(status.st_mode);
    if (!S_ISFIFO(status.st_mode)) return standard;
    const int own = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return own >= 0 ? Output{own, false, false} : standard;
  }();
  return found;
}

// A reader that stands still must not hold up a failover: the line is dropped.
void write_without_waiting(std::string_view line) {
  const Output& to = output();
  if (to.is_socket) {
    ::send(to.descriptor, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  pollfd ready{to.descriptor, POLLOUT, 0};
  if (to.blocks && ::poll(&ready, 1, 0) == 0) return;
  [[maybe_unused]] const ssize_t written = ::write(to.descriptor, line.data(), line.size());
}

std::string_view padded(Level level) {
  switch (level) {
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO ";
    case Level::warning:
      return "WARN ";
    case Level::error:
      break;
  }
  return "ERROR";
}

std::string in_words(const Repeated& repeated) {
  // It is looked at every 2 s or so.
  const bool minute = repeated.seconds >= 60 && repeated.seconds < 64;
  return fmt::format(" (repeated {} time{} in the last {})", repeated.count,
                     repeated.count == 1 ? "" : "s",
                     minute ? "minute" : fmt::format("{} s", repeated.seconds));
}

std::string render_text(std::string_view process, Level level, int64_t unix_us,
                        std::string_view message, const Fields& fields, const Repeated* repeated) {
  std::string time = format_time(unix_us);
  time.erase(time.size() - 4, 3);  // people read milliseconds
  std::string line = fmt::format("{} {} {}", time, padded(level), process);
  if (!fields.target.empty()) line += fmt::format("[{}]", printable(fields.target));
  line += fmt::format(" {}", printable(message));
  if (repeated != nullptr) line += in_words(*repeated);
  if (!fields.group.empty()) line += fmt::format(" group={}", printable(fields.group));
  if (fields.epoch) line += fmt::format(" epoch={}", *fields.epoch);
  if (fields.revision) line += fmt::format(" revision={}", *fields.revision);
  if (fields.pid) line += fmt::format(" pid={}", *fields.pid);
  if (!fields.error.empty()) line += fmt::format(" error: {}", printable(fields.error));
  return line;
}

std::string render_json(std::string_view process, Level level, int64_t unix_us,
                        std::string_view message, const Fields& fields, const Repeated* repeated) {
  std::string line =
      fmt::format(R"({{"time":"{}","level":"{}","process":{},"message":{})", format_time(unix_us),
                  to_string(level), json_string(process), json_string(message));
  if (!fields.group.empty()) line += fmt::format(R"(,"group":{})", json_string(fields.group));
  if (!fields.target.empty()) line += fmt::format(R"(,"target":{})", json_string(fields.target));
  if (fields.epoch) line += fmt::format(R"(,"epoch":{})", *fields.epoch);
  if (fields.revision) line += fmt::format(R"(,"revision":{})", *fields.revision);
  if (fields.pid) line += fmt::format(R"(,"pid":{})", *fields.pid);
  if (!fields.error.empty()) line += fmt::format(R"(,"error":{})", json_string(fields.error));
  if (repeated != nullptr) {
    line +=
        fmt::format(R"(,"repeated":{},"repeated_seconds":{})", repeated->count, repeated->seconds);
  }
  return line + "}";
}

std::string render_any(Format format, std::string_view process, Level level, int64_t unix_us,
                       std::string_view message, const Fields& fields, const Repeated* repeated) {
  return format == Format::json ? render_json(process, level, unix_us, message, fields, repeated)
                                : render_text(process, level, unix_us, message, fields, repeated);
}

void write_line(Level level, std::string_view message, const Fields& fields,
                const Repeated* repeated) {
  const Settings& now = settings();
  timeval time{};
  ::gettimeofday(&time, nullptr);
  const int64_t unix_us = int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
  std::string line = render_any(now.format, now.process, level, unix_us, message, fields, repeated);
  // What is too long for one write is left out of the texts, so that a line of JSON stays one.
  for (std::size_t most = PIPE_BUF / 4; line.size() >= PIPE_BUF; most /= 2) {
    Fields less = fields;
    less.group = shortened(fields.group, most);
    less.target = shortened(fields.target, most);
    less.error = shortened(fields.error, most);
    line = render_any(now.format, now.process, level, unix_us, shortened(message, most), less,
                      repeated);
  }
  line += '\n';

  write_without_waiting(line);
}

// A plugin's thread may have to be told of, too.
struct Seen {
  std::mutex mutex;
  Repetition repetition;
};

Seen& seen() {
  static Seen instance;
  return instance;
}

int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

void write_counts(const std::vector<Repeated>& counts) {
  for (const Repeated& repeated : counts) {
    const Line& line = repeated.line;
    if (line.level >= settings().level)
      write_line(line.level, line.message, line.fields(), &repeated);
  }
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      break;
  }
  return "error";
}

Result<Level> parse_level(std::string_view text) {
  for (Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (text == to_string(level)) return level;
  }
  return Error(fmt::format("{} is not one of debug, info, warning, error", json_string(text)));
}

std::string_view to_string(Format format) { return format == Format::json ? "json" : "text"; }

Result<Format> parse_format(std::string_view text) {
  if (text == "text") return Format::text;
  if (text == "json") return Format::json;
  return Error(fmt::format("{} is not one of text, json", json_string(text)));
}

void configure(std::string_view process, Level level, Format format) {
  settings() = {std::string(process), level, format};
}

void write(Level level, std::string_view message, const Fields& fields) {
  if (level < settings().level) return;
  if (level < Level::warning) {
    write_line(level, message, fields, nullptr);
    return;
  }
  std::vector<Repeated> due;
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(seen().mutex);
    first = seen().repetition.first(Line(level, message, fields), monotonic_ms(), due);
  }
  write_counts(due);
  if (first) write_line(level, message, fields, nullptr);
}

void write_due_counts() {
  const std::lock_guard<std::mutex> lock(seen().mutex);
  write_counts(seen().repetition.due(monotonic_ms()));
}

void write_all_counts() {
  const std::lock_guard<std::mutex> lock(seen().mutex);
  write_counts(seen().repetition.forget(monotonic_ms()));
}

std::string render(Format format, std::string_view process, Level level, int64_t unix_us,
                   std::string_view message, const Fields& fields) {
  return render_any(format, process, level, unix_us, message, fields, nullptr);
}

std::string render(Format format, std::string_view process, int64_t unix_us,
                   const Repeated& repeated) {
  const Line& line = repeated.line;
  return render_any(format, process, line.level, unix_us, line.message, line.fields(), &repeated);
}

std::string format_time(int64_t unix_us) {
  const std::time_t seconds = unix_us / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     unix_us % 1'000'000);
}

}  // namespace reconciler::log
