#include "supervisor/incarnation.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "common/log.h"
#include "supervisor/process.h"

namespace reconciler {

namespace {

// From the request to stop until SIGKILL.
constexpr int64_t stop_grace_ms = 4'000;

}  // namespace

bool ChildPlan::serves(const std::string& group) const {
  const auto* labeler = std::get_if<LabelerSettings>(&configuration.settings);
  if (labeler == nullptr) return true;
  const std::vector<std::string>& groups = labeler->target.groups;
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

int64_t monotonic_ms() { return static_cast<int64_t>(uv_hrtime() / 1'000'000); }

Incarnation::Incarnation(uint64_t generation, const SupervisionSettings& supervision,
                         Handlers handlers)
    : generation_(generation),
      supervision_(supervision),
      handlers_(std::move(handlers)),
      started_ms_(monotonic_ms()),
      ready_deadline_ms_(started_ms_ + supervision.ready_timeout),
      liveness_(supervision.heartbeat_deadline, started_ms_) {}

Incarnation::~Incarnation() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

Result<std::unique_ptr<Incarnation>> Incarnation::start(uv_loop_t* loop, const ChildPlan& plan,
                                                        uint64_t generation,
                                                        const SupervisionSettings& supervision,
                                                        Handlers handlers,
                                                        std::optional<StartedProcess> running) {
  if (!running) {
    auto started = start_child(plan.executable);
    if (!started) return started.error();
    running = std::move(*started);
  }
  std::unique_ptr<Incarnation> incarnation(
      new Incarnation(generation, supervision, std::move(handlers)));
  incarnation->name_ = plan.name;
  incarnation->pid_ = running->pid;
  Incarnation* raw = incarnation.get();
  auto channel =
      ipc::Channel::open(loop, std::move(running->channel),
                         {.on_frame = [raw](const ipc::Frame& frame) { raw->on_frame(frame); },
                          .on_closed =
                              [raw](const Error& cause) {
                                // It was asked to stop and does, or it has ended; else it is of no
                                // use without a channel.
                                log::debug(fmt::format("{}: channel closed", raw->name_),
                                           {.pid = raw->pid_, .error = cause.message()});
                                if (!raw->stopping_) raw->kill();
                              }});
  if (!channel) return channel.error();
  incarnation->channel_ = std::move(*channel);
  if (running->generation == 0) incarnation->send(plan.configuration);
  return incarnation;
}

void Incarnation::send(const ipc::Message& message) {
  send({ipc::type_of(message), generation_, 0, {}, ipc::encode_body(message)});
}

void Incarnation::send(ipc::Frame frame) { channel_->send(std::move(frame)); }

void Incarnation::on_frame(const ipc::Frame& frame) {
  if (!fault_.empty()) return;
  liveness_.heard(monotonic_ms());
  switch (frame.type) {
    case ipc::MessageType::hello: {
      auto hello = ipc::decode_body(frame.type, frame.body);
      const auto* greeting = hello ? std::get_if<ipc::Hello>(&*hello) : nullptr;
      if (greeting == nullptr || greeting->version != RECONCILER_VERSION) {
        return condemn(fmt::format(
            "of another version ({}) than the supervisor ({}), which has to be restarted",
            greeting == nullptr ? "unknown" : greeting->version, RECONCILER_VERSION));
      }
      greeted_ = true;
      return;
    }
    case ipc::MessageType::heartbeat:
      handlers_.on_heartbeat();
      return;
    case ipc::MessageType::ready:
      ready_ = greeted_;
      break;
    case ipc::MessageType::topology:
    case ipc::MessageType::outcome:
    case ipc::MessageType::report:
    case ipc::MessageType::answer:
    case ipc::MessageType::ordered:
      break;
    case ipc::MessageType::ask:
    case ipc::MessageType::order:
    case ipc::MessageType::configure:
    case ipc::MessageType::shutdown:
      return condemn(fmt::format("wrong to send a {} message, which is not for the supervisor",
                                 ipc::to_string(frame.type)));
  }
  if (!greeted_) return condemn("speaking without a hello");
  handlers_.on_frame(frame);
}

void Incarnation::ended() {
  pid_ = -1;
  channel_->read_rest();
}

void Incarnation::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void Incarnation::condemn(const std::string& fault) {
  if (pid_ <= 0) return;  // it has ended by itself
  log::warning(fmt::format("{} is {}: killed", name_, fault), {.pid = pid_});
  fault_ = fault;
  kill();
}

void Incarnation::set_stopping() {
  stopping_ = true;
  stop_deadline_ms_ = monotonic_ms() + stop_grace_ms;
}

void Incarnation::supervise(const SupervisionSettings& supervision) {
  supervision_ = supervision;
  liveness_ = Liveness(supervision.heartbeat_deadline, monotonic_ms());
}

int64_t Incarnation::up_for_ms() const { return monotonic_ms() - started_ms_; }

std::string Incarnation::overdue(int64_t now_ms) const {
  if (stopping_) {
    return now_ms > stop_deadline_ms_
               ? fmt::format("not done {} ms after it was asked to stop", stop_grace_ms)
               : std::string();
  }
  // Its loop stands still while it loads a plugin, which may take longer than any heartbeat.
  if (!ready_) {
    return now_ms > ready_deadline_ms_ ? fmt::format("not ready after {} ms", now_ms - started_ms_)
                                       : std::string();
  }
  return liveness_.silent(now_ms) ? fmt::format("silent for {} ms", liveness_.silent_for(now_ms))
                                  : std::string();
}

int64_t Incarnation::due_ms() const {
  if (stopping_) return stop_deadline_ms_ + 1;
  return ready_ ? liveness_.due_ms() : ready_deadline_ms_ + 1;
}

void Incarnation::forgive(int64_t now_ms) {
  liveness_.heard(now_ms);
  ready_deadline_ms_ = now_ms + supervision_.ready_timeout;
}

}  // namespace reconciler
