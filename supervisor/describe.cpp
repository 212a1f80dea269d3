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
#include "common/ipc/channel.h"
#include "common/ipc/codec.h"
#include "common/ipc/message.h"
#include "common/text.h"
#include "supervisor/process.h"

namespace reconciler {

namespace {

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

// Until both ends are closed. `err`: -1 where there is none.
Result<Output> read_both(int out, int err, int64_t within_ms) {
  const auto start = std::chrono::steady_clock::now();
  Output output;
  std::array<pollfd, 2> ends{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> texts{&output.out, &output.err};
  std::array<char, 4096> buffer{};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    const int64_t left = within_ms - gone.count();
    if (left <= 0)
      return Error(fmt::format(
          "it did not describe itself within {} ms (supervision.ready_timeout)", within_ms));
    if (::poll(ends.data(), ends.size(), static_cast<int>(left)) < 0 && errno != EINTR)
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

Result<PluginSchema> schema_in(const std::string& plugin, const Output& output) {
  if (output.out.empty()) {
    const std::string_view said = trim(output.err);
    return Error(said.empty() ? fmt::format("plugin {} crashed when it was loaded", plugin)
                              : std::string(said));
  }
  auto schema = parse_plugin_schema(output.out);
  if (!schema) return schema.error().within(fmt::format("plugin {}: its description", plugin));
  return schema;
}

// The supervisor's reaper may be first.
void end(pid_t pid, bool kill) {
  if (kill) ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<PluginSchema> describe_plugin(const std::string& plugin, int64_t within_ms) {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  auto pid = start_process({.executable = installation::labeler_executable(),
                            .arguments = {"--describe", plugin},
                            .standard_output = out->write.get(),
                            .standard_error = err->write.get()});
  if (!pid) return pid.error();
  out->write.reset();
  err->write.reset();

  auto output = read_both(out->read.get(), err->read.get(), within_ms);
  end(*pid, !output);
  if (!output) return output.error().within(fmt::format("plugin {}", plugin));
  return schema_in(plugin, *output);
}

// What a labeler says of its plugin, and goes on.
Result<std::string> WaitingChildren::ask(const std::string& plugin, int64_t within_ms) {
  auto said = make_pipe();
  if (!said) return said.error();
  // Away from the numbers that the child's own descriptors get.
  Descriptor write(::fcntl(said->write.get(), F_DUPFD_CLOEXEC, 10));
  said->write.reset();
  auto pair = ipc::make_channel_pair();
  if (!pair) return pair.error();
  auto pid = start_process({.executable = installation::labeler_executable(),
                            .arguments = {std::to_string(::getpid()), plugin},
                            .descriptor_3 = pair->theirs.get(),
                            .descriptor_4 = write.get()});
  if (!pid) return pid.error();
  labelers_[plugin] = {*pid, std::move(pair->ours)};
  write.reset();
  auto output = read_both(said->read.get(), -1, within_ms);
  if (!output) return output.error().within(fmt::format("plugin {}", plugin));
  return std::move(output->out);
}

Result<PluginSchema> WaitingChildren::describe(const std::string& plugin, int64_t within_ms) {
  auto said = ask(plugin, within_ms);
  unasked_ |= !said;
  auto schema = [&]() -> Result<PluginSchema> {
    if (!said) return said.error();
    if (said->starts_with('{')) return schema_in(plugin, {*said, {}});
    return schema_in(plugin, {{}, *said});  // why there is none
  }();
  if (const auto started = schema ? std::nullopt : take_labeler(plugin)) end(started->pid, true);
  return schema;
}

std::optional<StartedProcess> WaitingChildren::take_labeler(const std::string& plugin) {
  const auto found = labelers_.find(plugin);
  if (found == labelers_.end()) return std::nullopt;
  return std::move(labelers_.extract(found).mapped());
}

void WaitingChildren::start_watcher() {
  if (auto started = start_child(installation::watcher_executable()))
    watcher_ = std::move(*started);
}

WatcherSettings watcher_settings(const Configuration& configuration) {
  return {configuration.log, configuration.supervision.heartbeat_interval, configuration.sentinels};
}

void WaitingChildren::configure_watcher(const Configuration& configuration) {
  if (!watcher_) return;
  const ipc::Message message = ipc::Configure{watcher_settings(configuration)};
  const ipc::Frame frame{ipc::type_of(message), first_generation, 0, {}, ipc::encode_body(message)};
  if (ipc::Channel::send_now(watcher_->channel, frame)) watcher_->generation = first_generation;
}

WaitingChildren::WaitingChildren(WaitingChildren&& other) noexcept
    : watcher_(std::exchange(other.watcher_, std::nullopt)),
      labelers_(std::exchange(other.labelers_, {})) {}

WaitingChildren& WaitingChildren::operator=(WaitingChildren&& other) noexcept {
  end_all();
  watcher_ = std::exchange(other.watcher_, std::nullopt);
  labelers_ = std::exchange(other.labelers_, {});
  return *this;
}

void WaitingChildren::end_all() {
  if (watcher_) end(watcher_->pid, true);
  watcher_.reset();
  for (const auto& [plugin, labeler] : labelers_) end(labeler.pid, true);
  labelers_.clear();
}

}  // namespace reconciler
