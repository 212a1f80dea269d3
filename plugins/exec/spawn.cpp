#include "plugins/exec/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace reconciler::exec {

namespace {

// Nobody sends it but the kernel, when the guard's parent has ended.
constexpr int parent_ended = SIGUSR1;

// In the children, between fork and exec: system calls alone.

[[noreturn]] void become(const Descriptors& descriptors, char** arguments, char** environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the guard may be killed, too
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(arguments[0], arguments, environment);
  const int cause = errno;
  [[maybe_unused]] const ssize_t n = ::write(descriptors.failure, &cause, sizeof cause);
  ::_exit(127);
}

void take_over(const Descriptors& descriptors) {
  ::dup2(descriptors.input, 0);
  ::dup2(descriptors.output, 1);
  ::dup2(descriptors.output, 2);
  if (descriptors.failure != 3) ::dup3(descriptors.failure, 3, O_CLOEXEC);
  ::close_range(4, ~0U, 0);
  [[maybe_unused]] const int unchanged = ::chdir("/");
}

// Ends as `child` did.
[[noreturn]] void end_like(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    ::signal(number, SIG_DFL);
    ::raise(number);
    ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  }
  ::_exit(WEXITSTATUS(status));
}

// All signals are blocked here: they are waited for, and a TERM to the group is the program's alone.
[[noreturn]] void guard(pid_t parent, const Descriptors& descriptors, char** arguments,
                        char** environment) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, parent_ended);
  if (::getppid() != parent) ::_exit(127);  // it ended before the line above
  take_over(descriptors);
  const Descriptors own{0, 1, 3};
  const pid_t child = ::_Fork();
  if (child == 0) become(own, arguments, environment);
  if (child < 0) {
    const int cause = errno;
    [[maybe_unused]] const ssize_t n = ::write(own.failure, &cause, sizeof cause);
    ::_exit(127);
  }
  ::close_range(0, ~0U, 0);  // the program's ends of its pipes are the program's alone
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, parent_ended);
  sigaddset(&awaited, SIGCHLD);
  while (true) {
    const int number = ::sigwaitinfo(&awaited, nullptr);
    if (number == parent_ended) ::kill(0, SIGKILL);
    siginfo_t ended{};
    if (number == SIGCHLD &&
        ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == child) {
      end_like(child);
    }
  }
}

}  // namespace

Result<pid_t> spawn(const Descriptors& descriptors, char** arguments, char** environment) {
  sigset_t all;
  sigfillset(&all);
  sigset_t before;
  const pid_t parent = ::getpid();
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours may run in the child
  const pid_t child = ::fork();
  if (child == 0) guard(parent, descriptors, arguments, environment);
  const int cause = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return Error(std::string("fork: ") + std::strerror(cause));
  ::setpgid(child, child);  // both do it, so that it is done for both
  return child;
}

}  // namespace reconciler::exec
