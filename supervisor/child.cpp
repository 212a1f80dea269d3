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

namespace {

// A configuration stays wrong, but what it is about may have been away for a moment only: a secret that is being written
// anew, a plugin that is being installed, descriptors.
constexpr int64_t refused_again_min_ms = 10'000;  // half of it at the least
constexpr int64_t refused_again_max_ms = 60'000;

std::string how_it_ended(const Incarnation& incarnation, int wait_status) {
  return incarnation.fault().empty() ? describe_wait_status(wait_status)
                                     : "was killed as " + incarnation.fault();
}

}  // namespace

Child::Child(uv_loop_t* loop, std::string id, ChildPlan plan,
             const SupervisionSettings& supervision, Handlers handlers)
    : loop_(loop),
      id_(std::move(id)),
      plan_(std::move(plan)),
      supervision_(supervision),
      handlers_(std::move(handlers)),
      backoff_(supervision.backoff_min, supervision.backoff_max),
      refused_backoff_(refused_again_min_ms, refused_again_max_ms),
      restart_(loop),
      replace_again_(loop) {}

Result<std::unique_ptr<Incarnation>> Child::spawn(const ChildPlan& plan,
                                                  const SupervisionSettings& supervision) {
  auto running = handlers_.take_running(plan);
  const bool is_configured = running && running->generation != 0;
  const uint64_t generation = is_configured ? running->generation : handlers_.next_generation();
  auto incarnation = Incarnation::start(
      loop_, plan, generation, supervision,
      {.on_frame = [this, generation](const ipc::Frame& frame) { on_frame(generation, frame); },
       .on_heartbeat = handlers_.on_heartbeat},
      std::move(running));
  if (incarnation) handlers_.on_started(**incarnation, plan);
  return incarnation;
}

void Child::start() {
  auto spawned = spawn(plan_, supervision_);
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
  refused_backoff_.reset();
  if (successor_) retire(std::exchange(successor_, nullptr));
  successor_plan_ = std::move(plan);
  successor_supervision_ = supervision;
  begin_replacement(log::Level::info);
}

void Child::begin_replacement(log::Level level) {
  replace_again_.stop();
  successor_report_.reset();
  if (!ready()) {
    // Nobody is at work who would have to be kept meanwhile.
    follow_successor();
    early_deaths_ = 0;
    refused_ = false;
    if (current_) retire(std::exchange(current_, nullptr));
    restart_.stop();
    start();
    return;
  }
  auto spawned = spawn(successor_plan_, successor_supervision_);
  if (!spawned) return successor_failed("could not be started: " + spawned.error().message());
  successor_ = std::move(*spawned);
  log::write(level, fmt::format("{} gets a successor", successor_plan_.name),
             {.pid = successor_->pid()});
}

void Child::supervise(const SupervisionSettings& supervision) {
  if (successor_) {
    successor_supervision_ = supervision;
    successor_->supervise(supervision);
    return;
  }
  replace_again_.stop();
  supervision_ = supervision;
  backoff_ = Backoff(supervision.backoff_min, supervision.backoff_max);
  if (current_) current_->supervise(supervision);
}

void Child::follow_successor() {
  const ChildPlan before = std::exchange(plan_, std::move(successor_plan_));
  supervision_ = successor_supervision_;
  backoff_ = Backoff(supervision_.backoff_min, supervision_.backoff_max);
  handlers_.on_other_plan(*this, before, plan_);
}

void Child::stop() {
  stopping_ = true;
  restart_.stop();
  replace_again_.stop();
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
    const std::unique_ptr<Incarnation> successor = std::exchange(successor_, nullptr);
    successor_failed(how_it_ended(*successor, wait_status) + " before it was ready");
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
  const std::string how = how_it_ended(*incarnation, wait_status);
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EX_CONFIG) {
    // What it said stands in its report.
    refused_ = true;
    log::error(fmt::format("{} refused its configuration and is tried again", plan_.name));
    handlers_.on_down(*this, "it refused its configuration and is tried again");
    restart_.start(refused_again_ms(), [this] { start(); });
    return;
  }
  ++restarts_;
  const int64_t up_ms = incarnation->up_for_ms();
  if (up_ms >= supervision_.stable_after) backoff_.reset();
  const bool at_once = up_ms >= supervision_.stable_after;
  early_deaths_ = at_once ? 0 : early_deaths_ + 1;
  restart_after(at_once ? 0 : backoff_.next(random_number()), how, up_ms);
}

void Child::successor_failed(const std::string& why) {
  handlers_.on_replacement_failed(*this, why, successor_report_);
  put_off_replacement();
}

void Child::put_off_replacement() {
  replace_again_.start(refused_again_ms(), [this] {
    // A death of the one before is no reason to prefer a plan that was refused.
    const bool dead_for_now = !ready() && !refused_ && !dies_again_and_again();
    dead_for_now ? put_off_replacement() : begin_replacement(log::Level::debug);
  });
}

uint64_t Child::refused_again_ms() {
  return static_cast<uint64_t>(refused_backoff_.next(random_number()));
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
    follow_successor();
    successor_report_.reset();
    if (before) retire(std::move(before));
    restart_.stop();
  } else if (!current_ || current_->generation() != generation || current_->pid() <= 0) {
    return;
  }
  log::write(level_of_start(), fmt::format("{} is ready", plan_.name), {.pid = current_->pid()});
  refused_ = false;
  refused_backoff_.reset();
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
  return dies_again_and_again() || refused_ ? log::Level::debug : log::Level::info;
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
  incarnation.condemn(why);
}

}  // namespace reconciler
