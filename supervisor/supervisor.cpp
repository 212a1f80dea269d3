#include "supervisor/supervisor.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "common/installation.h"
#include "common/log.h"
#include "common/log_repetition.h"
#include "common/start_pages.h"
#include "supervisor/configuration_source.h"
#include "supervisor/process.h"

namespace reconciler {

namespace {

// Until one that was killed is looked at again: it ends when the kernel comes to it.
constexpr int64_t killed_again_ms = 250;
const std::string own_id = "supervisor";

ChildPlan watcher_plan(const Configuration& configuration) {
  return {watcher_id, installation::watcher_executable(), {watcher_settings(configuration)}};
}

ChildPlan labeler_plan(const Configuration& configuration, const TargetSettings& target) {
  return {fmt::format("labeler {} (plugin {})", target.name, target.plugin),
          installation::labeler_executable(),
          {LabelerSettings{configuration.log, configuration.supervision.heartbeat_interval,
                           configuration.dry_run, target}}};
}

// Who there is to be: the processes of this program.
std::map<std::string, ChildPlan> plans(const Configuration& configuration) {
  std::map<std::string, ChildPlan> all{{watcher_id, watcher_plan(configuration)}};
  for (const TargetSettings& target : configuration.targets) {
    all.emplace(target.name, labeler_plan(configuration, target));
  }
  return all;
}

Looks looks(const SupervisionSettings& supervision) {
  return {supervision.heartbeat_deadline, supervision.heartbeat_interval, monotonic_ms()};
}

// Why a child refuses its configuration; empty: it doesn't.
std::string refusal_of(const ipc::Report& report) {
  for (const ipc::Problem& problem : report.problems) {
    if (problem.id == "refused") return problem.message;
  }
  return {};
}

std::string refusal_of(const ipc::Frame& report) {
  auto message = ipc::decode_body(report.type, report.body);
  return message ? refusal_of(std::get<ipc::Report>(*message)) : std::string();
}

}  // namespace

Supervisor::Supervisor(uv_loop_t* loop, Configuration configuration, Purpose purpose)
    : loop_(loop),
      configuration_(std::move(configuration)),
      purpose_(purpose),
      observer_(loop),
      questions_(loop),
      orders_(loop),
      looks_(looks(configuration_.supervision)),
      child_ended_(loop),
      look_(loop),
      started_(loop) {
  observer_.expect(configuration_);
}

void Supervisor::start(WaitingChildren waiting) {
  waiting_ = std::move(waiting);
  child_ended_.start(SIGCHLD, [this] { reap(); });
  for (auto& [id, plan] : plans(configuration_)) add_child(id, plan);
  waiting_ = {};
  forget_the_start();
  reap();  // nobody was told of those that ended before
}

void Supervisor::add_child(const std::string& id, ChildPlan plan) {
  auto child =
      std::make_unique<Child>(loop_, id, std::move(plan), configuration_.supervision, handlers());
  Child& added = *child;
  children_.emplace(id, std::move(child));
  added.start();
}

Child::Handlers Supervisor::handlers() {
  return {
      .next_generation = [this] { return ++generation_; },
      .take_running =
          [this](const ChildPlan& plan) {
            const auto* settings = std::get_if<LabelerSettings>(&plan.configuration.settings);
            return settings == nullptr ? waiting_.take_watcher()
                                       : waiting_.take_labeler(settings->target.plugin);
          },
      .on_started = [this](Incarnation& incarnation,
                           const ChildPlan& plan) { greet(incarnation, plan); },
      .on_frame = [this](Child& child, const ipc::Frame& frame) { on_frame(child, frame); },
      .on_heartbeat =
          [this] {
            if (looks_.wanted(monotonic_ms())) look_soon();
          },
      .on_down =
          [this](Child& child, const std::string& why) {
            observer_.child_down(child.id(), why);
            const std::string reason = why.empty() ? "it was replaced" : why;
            orders_.target_down(child.id(), reason);
            questions_.give_up(child.id(), Error(reason).within(child.id()));
          },
      .on_other_plan =
          [this](Child& child, const ChildPlan& before, const ChildPlan& now) {
            observer_.child_caught_up(child.id());
            const auto* were = std::get_if<LabelerSettings>(&before.configuration.settings);
            const auto* are = std::get_if<LabelerSettings>(&now.configuration.settings);
            if (were != nullptr && are != nullptr &&
                (were->target.plugin != are->target.plugin ||
                 were->target.settings != are->target.settings)) {
              observer_.target_replaced(child.id());
            }
          },
      .on_replacement_failed =
          [this](Child& child, const std::string& why, const std::optional<ipc::Frame>& report) {
            const std::string told = report ? refusal_of(*report) : std::string();
            log::error(
                fmt::format("{}: the successor {}; the one before goes on, and it is tried again",
                            child.id(), why),
                {.error = told});
            observer_.child_behind(child.id(), told.empty() ? "it " + why : told);
          },
      .on_stopped = [this](Child&) { on_stopped(); },
  };
}

// A labeler that was killed at any instant is given the whole truth again, even while the watcher
// is down; a watcher learns what its predecessor knew, so that no old Sentinel can lead it back.
void Supervisor::greet(Incarnation& incarnation, const ChildPlan& plan) {
  const bool is_watcher = std::holds_alternative<WatcherSettings>(plan.configuration.settings);
  for (const auto& [group, frame] : retained_) {
    if (plan.serves(group) && (is_watcher || purpose_ == Purpose::serve)) incarnation.send(frame);
  }
  look_soon();
}

void Supervisor::on_frame(Child& child, const ipc::Frame& frame) {
  switch (frame.type) {
    case ipc::MessageType::topology:
      on_topology(child, frame);
      return;
    case ipc::MessageType::outcome:
      on_outcome(child, frame);
      return;
    case ipc::MessageType::report:
      on_report(child, frame);
      return;
    case ipc::MessageType::answer:
      on_answer(child, frame);
      return;
    case ipc::MessageType::ordered:
      on_ordered(child, frame);
      return;
    case ipc::MessageType::ask:
    case ipc::MessageType::order:
    case ipc::MessageType::hello:
    case ipc::MessageType::configure:
    case ipc::MessageType::ready:
    case ipc::MessageType::heartbeat:
    case ipc::MessageType::shutdown:
      return;  // Incarnation and Child have dealt with these
  }
}

void Supervisor::on_topology(Child& watcher, const ipc::Frame& frame) {
  if (watcher.id() != watcher_id) {
    log::error(fmt::format("{} sent a topology, which only the watcher may", watcher.id()));
    return;
  }
  // A watcher that is about to be replaced may still speak of a group that is no longer configured.
  if (!observer_.knows(frame.group)) return;
  ipc::Frame numbered = frame;
  numbered.generation = watcher.generation();
  numbered.revision = ++revision_;
  // Taken before: a quick target may have written before the last one has been told.
  const uint64_t passed_on_mono_ns = uv_hrtime();
  for (auto& [id, child] : children_) {
    if (child.get() != &watcher && purpose_ == Purpose::serve) child->pass_on(numbered);
  }
  watcher.send_to_successor(numbered);
  observer_.passed_on(numbered, passed_on_mono_ns);
  retained_[frame.group] = std::move(numbered);
}

void Supervisor::on_outcome(Child& labeler, const ipc::Frame& frame) {
  auto message = ipc::decode_body(frame.type, frame.body);
  if (!message) {
    log::error(fmt::format("an outcome of {} can't be read", labeler.id()),
               {.error = message.error().message()});
    return;
  }
  observer_.outcome(labeler.id(), frame.group, frame.revision, std::get<ipc::Outcome>(*message));
}

void Supervisor::on_report(Child& child, const ipc::Frame& frame) {
  auto message = ipc::decode_body(frame.type, frame.body);
  if (!message) {
    log::error(fmt::format("a report of {} can't be read", child.id()),
               {.error = message.error().message()});
    return;
  }
  auto& report = std::get<ipc::Report>(*message);
  if (const std::string why = refusal_of(report); !why.empty()) {
    log::error(fmt::format("{}: configuration refused", child.id()), {.error = why});
  }
  observer_.report(child.id(), child.generation(), std::move(report));
}

void Supervisor::note_problem(ipc::Problem problem) {
  own_report_.problems.push_back(std::move(problem));
  observer_.report(own_id, 0, own_report_);
}

void Supervisor::reload(Configuration configuration) {
  if (stopped_) return;
  // Whoever reloads sees what comes of it, also where it is the same as before.
  log::write_all_counts();
  configuration_ = std::move(configuration);
  forget_the_start();  // a configuration was read as then
  begin_log(configuration_);
  looks_ = looks(configuration_.supervision);
  look_soon();
  observer_.expect(configuration_);
  observer_.report(own_id, 0, own_report_);
  observer_.reload_accepted();

  const auto wanted = plans(configuration_);
  std::vector<std::string> gone;
  for (const auto& [id, child] : children_) {
    if (!wanted.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) {
    leaving_.push_back(std::move(children_.extract(id).mapped()));
    leaving_.back()->stop();
  }
  std::erase_if(retained_, [this](const auto& entry) { return !observer_.knows(entry.first); });
  std::size_t replaced = 0;
  std::size_t added = 0;
  for (const auto& [id, plan] : wanted) {
    const auto child = children_.find(id);
    if (child == children_.end()) {
      add_child(id, plan);
      ++added;
    } else if (child->second->wants(plan)) {
      child->second->replace(plan, configuration_.supervision);
      ++replaced;
    } else {
      child->second->supervise(configuration_.supervision);
      if (!child->second->is_being_replaced()) observer_.child_caught_up(id);
    }
  }
  log::info(
      fmt::format("configuration reloaded: {} processes replaced, {} added, {} removed, {} kept",
                  replaced, added, gone.size(), wanted.size() - replaced - added));
}

void Supervisor::reload_refused(const Error& why) {
  log::write_all_counts();
  log::error("the new configuration is refused, the one before stays", {.error = why.message()});
  observer_.reload_refused(why.message());
}

void Supervisor::stop(std::function<void()> stopped) {
  if (stopped_) return;
  stopped_ = std::move(stopped);
  // A child that has nothing to wait for says at once that it has stopped.
  std::vector<Child*> all;
  for (const auto& [id, child] : children_) all.push_back(child.get());
  for (Child* child : all) child->stop();
}

void Supervisor::on_stopped() {
  const auto has_stopped = [](const auto& child) { return child->stopped(); };
  const bool everyone = std::all_of(leaving_.begin(), leaving_.end(), has_stopped) &&
                        std::all_of(children_.begin(), children_.end(),
                                    [](const auto& entry) { return entry.second->stopped(); });
  if (!stopped_ || !everyone) return;
  observer_.end();
  stopped_();
}

// The only place that waits for processes, so that as PID 1 strangers are reaped too.
void Supervisor::reap() {
  while (true) {
    int wait_status = 0;
    const pid_t pid = ::waitpid(-1, &wait_status, WNOHANG);
    if (pid <= 0) return;
    std::vector<Child*> all;
    for (const auto& [id, child] : children_) all.push_back(child.get());
    for (const auto& child : leaving_) all.push_back(child.get());
    const bool ours = std::any_of(all.begin(), all.end(),
                                  [&](Child* child) { return child->ended(pid, wait_status); });
    if (!ours)
      log::debug(fmt::format("reaped a stranger, which {}", describe_wait_status(wait_status)),
                 {.pid = pid});
  }
}

void Supervisor::look() {
  const int64_t now_ms = monotonic_ms();
  const bool paused = looks_.stood_still(now_ms);
  if (paused) log::warning("this process stood still for a while: every child gets a new deadline");
  int64_t next_ms = now_ms + looks_.period_ms();
  const auto look_at = [&](Child& child) {
    child.look(now_ms, paused);
    const int64_t due_ms = child.due_ms();
    next_ms = std::min(next_ms, due_ms > now_ms ? due_ms : now_ms + killed_again_ms);
  };
  for (const auto& [id, child] : children_) look_at(*child);
  for (const auto& child : leaving_) look_at(*child);
  std::erase_if(leaving_, [](const auto& child) { return child->stopped(); });
  log::write_due_counts();
  observer_.tell_due();
  look_.start(static_cast<uint64_t>(next_ms - now_ms), [this] { look(); });
}

void Supervisor::forget_the_start() {
  started_.start(start_is_over_ms, [] { give_back_start_pages(); });
}

// Somebody has a deadline that no look knows of.
void Supervisor::look_soon() {
  look_.start(0, [this] { look(); });
}

ShownState Supervisor::state() {
  std::vector<ProcessStatus> processes;
  for (const auto& [id, child] : children_) {
    processes.push_back(child->process());
    processes.back().kind = id == watcher_id ? ProcessKind::watcher : ProcessKind::labeler;
  }
  return observer_.state(std::move(processes));
}

}  // namespace reconciler
