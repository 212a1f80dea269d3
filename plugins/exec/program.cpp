#include "plugins/exec/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "plugins/exec/spawn.h"

namespace reconciler::exec {

namespace {

constexpr uint64_t patience_ms = 1000;  // of a cancelled one, until TERM
constexpr uint64_t kill_after_ms = 1000;

Error system_error(std::string_view doing) {
  return Error(fmt::format("{}: {}", doing, std::strerror(errno)));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// In memory, so that it never has to be written piece by piece.
Result<Descriptor> input_of(const std::string& text) {
  Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return system_error("memfd_create");
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) return system_error("write the input");
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

}  // namespace

Result<void> check_command(const std::vector<std::string>& command) {
  if (command.front().starts_with('/')) return {};
  return Error(fmt::format("`{}` is no absolute path", command.front()));
}

Program::Program(Host host, ProgramPlan plan, std::function<void(const ProgramEnd&)> ended)
    : host_(host),
      plan_(std::move(plan)),
      ended_(std::move(ended)),
      lines_([this](const std::string& line) {
        host_.log(VR_INFO, plan_.group, "{}: {}", plan_.command.front(), line);
      }),
      process_watch_(host),
      output_watch_(host),
      timer_(host) {}

Program::~Program() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, WNOHANG);
}

Result<void> Program::start() {
  const std::string doing = "start " + plan_.command.front();
  auto input = input_of(plan_.input);
  if (!input) return input.error().within(doing);
  auto output = make_pipe();
  if (!output) return output.error().within(doing);
  auto failure = make_pipe();
  if (!failure) return failure.error().within(doing);
  // Forked, where posix_spawn would stand still for as long as the exec does: on a file system that is
  // out of reach.
  auto spawned = spawn({input->get(), output->write_end.get(), failure->write_end.get()},
                       pointers(plan_.command).data(), pointers(plan_.environment).data());
  if (!spawned) return spawned.error().within(doing);
  pid_ = *spawned;
  process_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process_.valid()) return system_error("pidfd_open").within(doing);
  output_ = std::move(output->read_end);
  failure_ = std::move(failure->read_end);
  started_ns_ = host_.now_ns();
  if (!process_watch_.start(process_.get(), VR_READABLE, [this](uint32_t) { on_end(); }) ||
      !output_watch_.start(output_.get(), VR_READABLE, [this](uint32_t) { read_output(); })) {
    return Error("its end can't be watched").within(doing);
  }
  timer_.start(plan_.deadline_ms, [this] { terminate(); });
  return {};
}

void Program::read_output() {
  std::array<char, 16384> buffer{};
  const ssize_t n = ::read(output_.get(), buffer.data(), buffer.size());
  if (n > 0) {
    lines_.feed({buffer.data(), static_cast<std::size_t>(n)});
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    output_watch_.stop();
  }
}

void Program::cancel() {
  if (terminated_) return;
  const uint64_t gone_ms = (host_.now_ns() - started_ns_) / 1'000'000;
  const uint64_t left_ms = plan_.deadline_ms - std::min(plan_.deadline_ms, gone_ms);
  timer_.start(std::min(patience_ms, left_ms), [this] { terminate(); });
}

void Program::terminate() {
  terminated_ = true;
  ::kill(-pid_, SIGTERM);
  timer_.start(kill_after_ms, [this] {
    killed_ = true;
    ::kill(-pid_, SIGKILL);
  });
}

void Program::on_end() {
  siginfo_t end{};
  // Not reaped yet, so that its number is still its own and its group's.
  if (::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      end.si_pid != pid_) {
    return;
  }
  ::kill(-pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, WNOHANG);
  process_watch_.stop();
  timer_.stop();
  // What is in the pipe; a writer that left the group may add to it for ever.
  for (int i = 0; i < 4 && output_watch_.running(); ++i) read_output();
  output_watch_.stop();
  lines_.finish();

  int cause = 0;
  if (::read(failure_.get(), &cause, sizeof cause) == sizeof cause) {
    const std::string why =
        fmt::format("start {}: {}", plan_.command.front(), std::strerror(cause));
    std::exchange(ended_, nullptr)({-1, terminated_, why});
    return;
  }
  const ProgramEnd told{end.si_code == CLD_EXITED ? end.si_status : -1, terminated_,
                        description(end.si_code, end.si_status)};
  std::exchange(ended_, nullptr)(told);
}

std::string Program::description(int code, int status) {
  std::string text = plan_.command.front();
  if (terminated_) {
    text += fmt::format(" was not done within {} ms and was sent {}",
                        (host_.now_ns() - started_ns_) / 1'000'000, killed_ ? "KILL" : "TERM");
    return text;
  }
  text += code == CLD_EXITED
              ? fmt::format(" exited with status {}", status)
              : fmt::format(" was killed by signal {} ({})", status, ::strsignal(status));
  if (!lines_.last().empty()) text += ": " + lines_.last().substr(0, 200);
  return text;
}

}  // namespace reconciler::exec
