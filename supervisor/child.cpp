#include "supervisor/child.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/log.h"
#include "common/random.h"
#include "supervisor/process.h"

namespace reconciler {

Child::Child(uv_loop_t* loop, std::string id, ChildPlan plan,
             const SupervisionSettings& supervision, Handlers handlers)
    : loop_(loop),
      id_(std::move(id)),
      plan_(std::move(plan)),
      supervision_(supervision),
      handlers_(std::move(handlers)),
      backoff_(supervision.backoff_min, supervision.backoff_max),
      restart_(loop) {}

Result<std::unique_ptr<Incarnation>> Child::spawn(const ChildPlan& plan) {
  const uint64_t generation = handlers_.next_generation();
  auto incarnation = Incarnation::start(
      loop_, plan, generation, supervision_,
      {.on_frame = [this, generation](const ipc::Frame& frame) { on_frame(generation, frame); },
       .on_heartbeat = handlers_.on_heartbeat},
      handlers_.take_running(plan));
  if (incarnation) handlers_.on_started(**incarnation, plan);
  return incarnation;
}

void Child::start() {
  refused_ = false;
  auto spawned = spawn(plan_);
  if (!spawned) {
    // No memory, no processes left: that may pass.
    restart_after(backoff_.next(random_number()), spawned.error().message(), 0);
    return;
  }
  current_ = std::move(*spawned);
  log::write(level_of_start(), fmt::format("{} started", plan_.name), {.pid = current_->pid()});
  handlers_.on_down(*this, "it is starting");
}

void Child::replace(ChildPlan plan, const SupervisionSettings& supervision) {
  supervise(supervision);
  if (successor_) retire(std::exchange(successor_, nullptr));
  if (!ready()) {
    // Nobody is at work who would have to be kept meanwhile.
    follow(std::move(plan));
    early_deaths_ = 0;
    if (current_) retire(std::exchange(current_, nullptr));
    restart_.stop();
    start();
    return;
  }
  auto spawned = spawn(plan);
  if (!spawned) {
    handlers_.on_replacement_failed(*this, spawned.error().message(), std::nullopt);
    return;
  }
  successor_report_.reset();
  successor_plan_ = std::move(plan);
  successor_ = std::move(*spawned);
  log::info(fmt::format("{} gets a successor", successor_plan_.name), {.pid = successor_->pid()});
}

void Child::supervise(const SupervisionSettings& supervision) {
  supervision_ = supervision;
  backoff_ = Backoff(supervision.backoff_min, supervision.backoff_max);
  if (current_) current_->supervise(supervision);
  if (successor_) successor_->supervise(supervision);
}

void Child::follow(ChildPlan plan) {
  const ChildPlan before = std::exchange(plan_, std::move(plan));
  handlers_.on_other_plan(*this, before, plan_);
}

void Child::stop() {
  stopping_ = true;
  restart_.stop();
  if (successor_) retire(std::exchange(successor_, nullptr));
  if (current_) retire(std::exchange(current_, nullptr));
  if (stopped()) handlers_.on_stopped(*this);
}

void Child::retire(std::unique_ptr<Incarnation> incarnation) {
  incarnation->set_stopping();
  incarnation->send(ipc::Shutdown{});
  retiring_.push_back(std::move(incarnation));
}

bool Child::ended(pid_t pid, int wait_status) {
  if (current_ && current_->pid() == pid) {
    current_->ended();
    current_ended(std::exchange(current_, nullptr), wait_status);
    return true;
  }
  if (successor_ && successor_->pid() == pid) {
    successor_->ended();
    successor_.reset();
    successor_ended(describe_wait_status(wait_status));
    return true;
  }
  const auto found =
      std::find_if(retiring_.begin(), retiring_.end(),
                   [pid](const auto& incarnation) { return incarnation->pid() == pid; });
  if (found == retiring_.end()) return false;
  log::info(fmt::format("{} stopped", plan_.name), {.pid = pid});
  (*found)->ended();
  retiring_.erase(found);
  if (stopped()) handlers_.on_stopped(*this);
  return true;
}

void Child::current_ended(std::unique_ptr<Incarnation> incarnation, int wait_status) {
  const std::string how = describe_wait_status(wait_status);
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EX_CONFIG) {
    // It refused its configuration, which a restart doesn't change. What it said stands in its
    // report.
    refused_ = true;
    log::error(
        fmt::format("{} refused its configuration and stays down until a reload", plan_.name));
    handlers_.on_down(*this, "it refused its configuration and stays down until a reload");
    return;
  }
  ++restarts_;
  const int64_t up_ms = incarnation->up_for_ms();
  if (up_ms >= supervision_.stable_after) backoff_.reset();
  const bool at_once = up_ms >= supervision_.stable_after;
  early_deaths_ = at_once ? 0 : early_deaths_ + 1;
  restart_after(at_once ? 0 : backoff_.next(random_number()), how, up_ms);
}

void Child::successor_ended(const std::string& why) {
  log::error(fmt::format("{}: the successor {} before it was ready; the one before goes on",
                         plan_.name, why));
  handlers_.on_replacement_failed(*this, why, successor_report_);
}

void Child::restart_after(int64_t delay_ms, const std::string& how, int64_t up_ms) {
  log::warning(fmt::format("{} died and is restarted", plan_.name), {.error = how});
  log::debug(fmt::format("{} was up for {} ms, restarted in {} ms", plan_.name, up_ms, delay_ms));
  handlers_.on_down(*this, fmt::format("it died ({} after {} ms) and is restarted", how, up_ms));
  restart_.start(static_cast<uint64_t>(delay_ms), [this] { start(); });
}

void Child::on_frame(uint64_t generation, const ipc::Frame& frame) {
  if (frame.type == ipc::MessageType::ready) {
    became_ready(generation);
    return;
  }
  if (!current_ || current_->generation() != generation) {
    // A successor may say why it refuses; a frame of one that went before is gossip.
    if (successor_ && successor_->generation() == generation &&
        frame.type == ipc::MessageType::report) {
      successor_report_ = frame;
    }
    return;
  }
  handlers_.on_frame(*this, frame);
}

void Child::became_ready(uint64_t generation) {
  // A ready that is read after its sender's death is no news.
  if (successor_ && successor_->generation() == generation && successor_->pid() > 0) {
    std::unique_ptr<Incarnation> before =
        std::exchange(current_, std::exchange(successor_, nullptr));
    follow(std::move(successor_plan_));
    successor_report_.reset();
    refused_ = false;  // it was the one before that did
    if (before) retire(std::move(before));
    restart_.stop();
  } else if (!current_ || current_->generation() != generation || current_->pid() <= 0) {
    return;
  }
  log::write(level_of_start(), fmt::format("{} is ready", plan_.name), {.pid = current_->pid()});
  handlers_.on_down(*this, {});
}

ProcessStatus Child::process() const {
  ProcessStatus status{.name = id_, .restarts = restarts_};
  if (current_) {
    status.state = ready() ? ProcessState::at_work : ProcessState::starting;
    status.pid = current_->pid();
    status.up_ms = current_->up_for_ms();
  } else {
    status.state = refused_ ? ProcessState::refused : ProcessState::restarting;
  }
  return status;
}

void Child::pass_on(const ipc::Frame& topology) {
  if (current_ && plan_.serves(topology.group)) current_->send(topology);
  if (successor_ && successor_plan_.serves(topology.group)) successor_->send(topology);
}

void Child::send_to_successor(const ipc::Frame& frame) {
  if (successor_) successor_->send(frame);
}

void Child::send_to_current(const ipc::Frame& frame) {
  if (current_) current_->send(frame);
}

// In a loop nobody reads each start: its deaths are counted (log_repetition.h).
log::Level Child::level_of_start() const {
  return dies_again_and_again() ? log::Level::debug : log::Level::info;
}

void Child::note_that_it_stays_up() {
  if (early_deaths_ == 0 || !ready() || current_->up_for_ms() < supervision_.stable_after) return;
  if (dies_again_and_again())
    log::info(fmt::format("{} stays up", plan_.name), {.pid = current_->pid()});
  early_deaths_ = 0;
}

void Child::look(int64_t now_ms, bool forgive) {
  note_that_it_stays_up();
  if (current_) kill_overdue(*current_, now_ms, forgive);
  if (successor_) kill_overdue(*successor_, now_ms, forgive);
  for (const auto& incarnation : retiring_) kill_overdue(*incarnation, now_ms, forgive);
}

int64_t Child::due_ms() const {
  int64_t due = std::numeric_limits<int64_t>::max();
  if (current_) due = std::min(due, current_->due_ms());
  if (successor_) due = std::min(due, successor_->due_ms());
  for (const auto& incarnation : retiring_) due = std::min(due, incarnation->due_ms());
  return due;
}

void Child::kill_overdue(Incarnation& incarnation, int64_t now_ms, bool forgive) {
  if (forgive) incarnation.forgive(now_ms);
  const std::string why = incarnation.overdue(now_ms);
  if (why.empty()) return;
  log::warning(fmt::format("{} is {}: killed", plan_.name, why), {.pid = incarnation.pid()});
  incarnation.kill(SIGKILL);
}

}  // namespace reconciler
