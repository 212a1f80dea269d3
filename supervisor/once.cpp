#include "supervisor/once.h"

#include <fmt/format.h>
#include <signal.h>
#include <sysexits.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "common/config/values.h"
#include "common/log.h"
#include "common/log_repetition.h"
#include "common/uv/handle.h"
#include "supervisor/supervisor.h"

namespace reconciler {

namespace {

constexpr uint64_t look_ms = 20;

}  // namespace

int run_once(Configuration configuration, Milliseconds timeout) {
  uv::Loop loop;
  const bool dry_run = configuration.dry_run;
  Supervisor supervisor(loop.get(), std::move(configuration));
  uv::Timer look(loop.get());
  uv::Timer deadline(loop.get());
  uv::Signal terminate(loop.get());
  uv::Signal interrupt(loop.get());
  std::string why_not;
  std::vector<std::string> in_the_way;

  const auto stop = [&] {
    look.stop();
    deadline.stop();
    supervisor.stop([&] { loop.stop(); });
  };
  const auto give_up = [&](const std::string& why) {
    if (!look.active()) return;  // it ends already
    why_not = why;
    in_the_way = supervisor.status().in_the_way();
    stop();
  };
  look.start_repeating(look_ms, [&] {
    if (supervisor.status().in_the_way().empty()) return stop();
    if (dry_run && supervisor.status().all_answered()) give_up("a dry run changes nothing");
  });
  deadline.start(static_cast<uint64_t>(timeout),
                 [&] { give_up(fmt::format("not done within {}", format_duration(timeout))); });
  terminate.start(SIGTERM, [&] { give_up("stopped before it was done"); });
  interrupt.start(SIGINT, [&] { give_up("stopped before it was done"); });
  supervisor.start();
  loop.run();
  log::write_all_counts();
  if (why_not.empty()) return EX_OK;
  fmt::print(stderr, "{}:\n", why_not);
  for (const std::string& reason : in_the_way) fmt::print(stderr, "{}\n", reason);
  return EX_TEMPFAIL;
}

}  // namespace reconciler
