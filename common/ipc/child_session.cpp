#include "common/ipc/child_session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/log_repetition.h"
#include "common/start_pages.h"

namespace reconciler::ipc {

namespace {

// Until the configuration says otherwise.
constexpr uint64_t first_heartbeat_interval_ms = 1'000;
// Problems and counters that change together travel together.
constexpr uint64_t report_delay_ms = 20;
// Gauges alone are in no hurry.
constexpr uint64_t gauges_delay_ms = 250;
// A report is whole each time: one of thousands of entries, some us each here and in the supervisor, waits the longer for
// its turn, so that it takes a small part of anybody's time.
constexpr std::size_t entries_per_ms = 20;
// From so many on malloc would keep what a report took for good: 450 bytes for each of 1,000 groups (measured).
constexpr std::size_t many_entries = 1'000;

}  // namespace

Result<void> tie_to_supervisor(int64_t supervisor_pid) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A log whose reader is gone is no reason to die. When to end is the supervisor's word, or its
  // death: a TERM to the whole group of processes must not cut off a promotion.
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_IGN);
#if !defined(__SANITIZE_ADDRESS__)  // LeakSanitizer has to attach to the process
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
  // It may have died before the first line.
  if (::getppid() != supervisor_pid) return Error("the supervisor is gone");
  return {};
}

ChildSession::ChildSession(uv_loop_t* loop, std::string process, Handlers handlers)
    : loop_(loop),
      process_(std::move(process)),
      handlers_(std::move(handlers)),
      heartbeat_(loop),
      report_(loop),
      started_(loop) {}

Result<std::unique_ptr<ChildSession>> ChildSession::open(uv_loop_t* loop, int fd,
                                                         std::string process, Handlers handlers) {
  std::unique_ptr<ChildSession> session(
      new ChildSession(loop, std::move(process), std::move(handlers)));
  ChildSession* raw = session.get();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);  // came by exec, goes no further
  auto channel =
      Channel::open(loop, Descriptor(fd),
                    {.on_frame = [raw](const Frame& frame) { raw->on_frame(frame); },
                     .on_closed =
                         [raw](const Error& cause) {
                           log::debug("the channel is closed", {.error = cause.message()});
                           raw->leave(EX_OK);
                         }});
  if (!channel) return channel.error().within("channel to the supervisor");
  session->channel_ = std::move(*channel);
  session->send(Hello{session->process_, RECONCILER_VERSION, ::getpid()}, {}, 0);
  session->heartbeat_.start_repeating(first_heartbeat_interval_ms, [raw] {
    raw->send(Heartbeat{}, {}, 0);
    log::write_due_counts();
  });
  return session;
}

void ChildSession::on_frame(const Frame& frame) {
  auto message = decode_body(frame.type, frame.body);
  if (!message) {
    // Both ends are of one build; the supervisor starts a fresh process.
    log::error("a frame of the supervisor can't be read", {.error = message.error().message()});
    leave(EX_SOFTWARE);
  }
  if (const auto* configuration = std::get_if<Configure>(&*message)) {
    generation_ = frame.generation;
    configure(*configuration);
  } else if (const auto* topology = std::get_if<TopologyMessage>(&*message)) {
    if (configured_ && handlers_.on_topology) {
      handlers_.on_topology(topology->topology, frame.generation, frame.revision);
    }
  } else if (const auto* question = std::get_if<Ask>(&*message); question && handlers_.on_ask) {
    send(Answer{question->number, handlers_.on_ask(frame.group)}, frame.group, 0);
  } else if (const auto* order = std::get_if<Order>(&*message); order && handlers_.on_order) {
    if (configured_) handlers_.on_order(frame.group, *order);
  } else if (std::holds_alternative<Shutdown>(*message)) {
    if (handlers_.on_shutdown) {
      handlers_.on_shutdown();
    } else {
      finish();
    }
  } else {
    log::error(fmt::format("the supervisor sent a {} message, which is not for a child",
                           to_string(frame.type)));
    leave(EX_SOFTWARE);
  }
}

void ChildSession::configure(const Configure& message) {
  std::visit(
      [this](const auto& settings) {
        log::configure(process_, settings.log.level, settings.log.format);
        heartbeat_.start_repeating(static_cast<uint64_t>(settings.heartbeat_interval), [this] {
          send(Heartbeat{}, {}, 0);
          log::write_due_counts();
        });
      },
      message.settings);
  configured_ = true;
  if (auto accepted = handlers_.on_configure(message); !accepted) {
    problem_set({}, "refused", accepted.error().message());
    leave(EX_CONFIG);
  }
}

void ChildSession::ready() {
  send(Ready{}, {}, 0);
  started_.start(start_is_over_ms, [] { give_back_start_pages(); });
}

void ChildSession::publish(const Topology& topology) {
  send(TopologyMessage{topology}, topology.group, 0);
}

void ChildSession::outcome(const std::string& group, uint64_t revision, const Outcome& outcome) {
  send(outcome, group, revision);
}

void ChildSession::ordered(const std::string& group, const Ordered& ordered) {
  send(ordered, group, 0);
}

void ChildSession::problem_set(const std::string& group, const std::string& id,
                               const std::string& message, Severity severity) {
  Problem problem{group, id, severity, message};
  const auto [place, added] = problems_.try_emplace({group, id}, problem);
  if (!added && place->second == problem) return;
  place->second = std::move(problem);
  report_within(report_delay_ms);
}

void ChildSession::problem_clear(const std::string& group, const std::string& id) {
  if (problems_.erase({group, id}) > 0) report_within(report_delay_ms);
}

void ChildSession::count(const std::string& name, const std::string& label,
                         const std::string& value, uint64_t by) {
  counters_[{name, label, value}] += by;
  report_within(report_delay_ms);
}

void ChildSession::count_no_more(const std::string& name, const std::string& label,
                                 const std::string& value) {
  if (counters_.erase({name, label, value}) > 0) report_within(report_delay_ms);
}

void ChildSession::gauges_changed() {
  const uint64_t gone = uv_now(loop_) - reported_ms_;
  report_within(gone < gauges_delay_ms ? gauges_delay_ms - gone : report_delay_ms);
}

void ChildSession::report_within(uint64_t delay_ms) {
  const uint64_t due = uv_now(loop_) + delay_ms + report_size_ / entries_per_ms;
  if (report_.active() && report_due_ms_ <= due) return;
  report_due_ms_ = due;
  report_.start(due - uv_now(loop_), [this] { report_now(); });
}

void ChildSession::report_now() {
  report_.stop();
  reported_ms_ = uv_now(loop_);
  send_report();
  if (report_size_ >= many_entries) ::malloc_trim(0);
}

void ChildSession::send_report() {
  Report report;
  for (const auto& [key, problem] : problems_) report.problems.push_back(problem);
  for (const auto& [key, count] : counters_) {
    report.counters.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  }
  if (handlers_.on_gauges) report.gauges = handlers_.on_gauges();
  report_size_ = report.problems.size() + report.counters.size() + report.gauges.size();
  send(report, {}, 0);
}

void ChildSession::send(const Message& message, const std::string& group, uint64_t revision) {
  channel_->send({type_of(message), generation_, revision, group, encode_body(message)});
}

void ChildSession::finish() {
  if (report_.active()) report_now();
  channel_->drain();
  uv_stop(loop_);
}

void ChildSession::leave(int status) {
  if (channel_) {
    if (report_.active()) report_now();
    channel_->drain();
  }
  log::write_all_counts();
  ::_exit(status);
}

}  // namespace reconciler::ipc
