#include "supervisor/describe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "common/installation.h"
#include "common/text.h"
#include "supervisor/process.h"

namespace reconciler {

namespace {

constexpr int deadline_ms = 5'000;
constexpr std::size_t max_output = 1024 * 1024;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error(fmt::format("pipe: {}", std::strerror(errno)));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

struct Output {
  std::string out;
  std::string err;
};

// Until both ends are closed.
Result<Output> read_both(int out, int err) {
  const auto start = std::chrono::steady_clock::now();
  Output output;
  std::array<pollfd, 2> ends{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> texts{&output.out, &output.err};
  std::array<char, 4096> buffer{};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    const int left = deadline_ms - static_cast<int>(gone.count());
    if (left <= 0) return Error(fmt::format("it did not answer within {} ms", deadline_ms));
    if (::poll(ends.data(), ends.size(), left) < 0 && errno != EINTR)
      return Error(std::strerror(errno));
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const ssize_t n = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (n > 0) texts[i]->append(buffer.data(), static_cast<std::size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) ends[i].fd = -1;
      if (texts[i]->size() > max_output) return Error("it prints without end");
    }
  }
  return output;
}

}  // namespace

Result<PluginSchema> describe_plugin(const std::string& plugin) {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  auto pid = start_process({installation::children_folder() + "/labeler",
                            {"--describe", plugin},
                            -1,
                            out->write.get(),
                            err->write.get()});
  if (!pid) return pid.error();
  out->write.reset();
  err->write.reset();

  auto output = read_both(out->read.get(), err->read.get());
  if (!output) ::kill(*pid, SIGKILL);
  // The supervisor's reaper may have been first: what counts is what was printed.
  while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!output) return output.error().within(fmt::format("plugin {}", plugin));
  if (output->out.empty()) {
    const std::string_view said = trim(output->err);
    return Error(said.empty() ? fmt::format("plugin {} crashed when it was loaded", plugin)
                              : std::string(said));
  }
  auto schema = parse_plugin_schema(output->out);
  if (!schema) return schema.error().within(fmt::format("plugin {}: its description", plugin));
  return schema;
}

}  // namespace reconciler
