#include "supervisor/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/ipc/channel.h"

namespace reconciler {

namespace {

// What children may see of the environment: where the API server is, how times and libraries are
// found, and what sanitizers are told.
constexpr std::array passed_variables{
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
};

std::vector<std::string> child_environment() {
  // libcurl draws in GnuTLS through librtmp; its start costs 0.8 MB for nothing (measured with
  // libcurl 7.88).
  std::vector<std::string> environment{"GNUTLS_NO_IMPLICIT_INIT=1"};
  environment.reserve(passed_variables.size() + 1);
  for (const char* name : passed_variables) {
    if (const char* value = std::getenv(name))
      environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// posix_spawn's attributes and file actions, destroyed at the end of the scope.
struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

Result<pid_t> start_process(const ProcessPlan& plan) {
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
  const std::array<std::pair<int, int>, 4> moves{{{plan.standard_output, 1},
                                                  {plan.standard_error, 2},
                                                  {plan.descriptor_3, 3},
                                                  {plan.descriptor_4, 4}}};
  for (const auto& [from, to] : moves) {
    // dup2 onto itself clears close-on-exec too (glibc 2.29 and later).
    if (from >= 0) posix_spawn_file_actions_adddup2(&settings.actions, from, to);
  }

  sigset_t all;
  sigfillset(&all);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> arguments{plan.executable.substr(plan.executable.rfind('/') + 1)};
  arguments.insert(arguments.end(), plan.arguments.begin(), plan.arguments.end());
  std::vector<std::string> environment = child_environment();
  pid_t pid = -1;
  const int failure =
      ::posix_spawn(&pid, plan.executable.c_str(), &settings.actions, &settings.attributes,
                    pointers(arguments).data(), pointers(environment).data());
  if (failure != 0)
    return Error(fmt::format("start {}: {}", plan.executable, std::strerror(failure)));
  return pid;
}

Result<StartedProcess> start_child(const std::string& executable) {
  auto pair = ipc::make_channel_pair();
  if (!pair) return pair.error();
  auto pid = start_process({executable, {std::to_string(::getpid())}, pair->theirs.get()});
  if (!pid) return pid.error();
  return StartedProcess{*pid, std::move(pair->ours)};
}

std::string describe_wait_status(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with wait status {}", status);
}

}  // namespace reconciler
