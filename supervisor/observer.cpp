#include "supervisor/observer.h"

#include <sys/time.h>
#include <unistd.h>

#include <utility>

#include "common/log.h"
#include "supervisor/status/failover_line.h"

namespace reconciler {

Moment Observer::now() {
  timeval time{};
  ::gettimeofday(&time, nullptr);
  return {int64_t{time.tv_sec} * 1'000'000 + time.tv_usec, uv_hrtime()};
}

void Observer::expect(const Configuration& configuration) {
  catch_up();
  status_.expect(configuration, now());
  history_.expect(configuration);
}

void Observer::passed_on(const ipc::Frame& topology, uint64_t mono_ns) {
  unread_.push_back({topology.group, topology.body, topology.revision, mono_ns});
  if (!soon_.active()) soon_.start(0, [this] { catch_up(); });
}

void Observer::catch_up() {
  for (PassedOn& passed : std::exchange(unread_, {})) {
    auto message = ipc::decode_body(ipc::MessageType::topology, passed.body);
    if (!message) {
      log::error("a topology can't be read",
                 {.group = passed.group, .error = message.error().message()});
      continue;
    }
    const auto known = status_.groups().find(passed.group);
    if (known == status_.groups().end()) continue;
    Topology& topology = std::get<ipc::TopologyMessage>(*message).topology;
    topology.group = passed.group;
    history_.topology(known->second.known() ? &known->second.topology : nullptr, topology,
                      passed.revision, passed.mono_ns, targets_of(passed.group));
    status_.topology(passed.group, passed.revision, std::move(topology));
  }
}

std::vector<std::string> Observer::targets_of(const std::string& group) const {
  std::vector<std::string> names;
  for (const auto& [name, target] : status_.targets()) {
    if (target.groups.contains(group)) names.push_back(name);
  }
  return names;
}

void Observer::outcome(const std::string& target, const std::string& group, uint64_t revision,
                       const ipc::Outcome& outcome) {
  catch_up();
  status_.outcome(target, group, revision, outcome, now());
  history_.outcome(target, group, revision, outcome);
  tell_failovers();
}

void Observer::tell_due() {
  history_.expire(uv_hrtime());
  tell_failovers();
}

void Observer::end() {
  catch_up();
  history_.end();
  tell_failovers();
}

void Observer::tell_failovers() {
  for (const History::Failover& failover : history_.to_be_told()) {
    const FailoverLine line = failover_line(failover);
    log::write(
        line.level, line.text,
        {.group = failover.group, .epoch = failover.decision.epoch, .revision = failover.revision});
  }
}

void Observer::report(const std::string& child, uint64_t generation, ipc::Report report) {
  status_.report(child, generation, std::move(report), now());
}

void Observer::child_down(const std::string& child, const std::string& why) {
  why.empty() ? status_.child_up(child) : status_.child_down(child, why, now());
}

void Observer::target_replaced(const std::string& target) { status_.target_replaced(target); }

void Observer::reload_refused(const std::string& why) { status_.reload_refused(why, now()); }

void Observer::child_behind(const std::string& child, const std::string& why) {
  status_.child_behind(child, why, now());
}

void Observer::child_caught_up(const std::string& child) { status_.child_caught_up(child); }

void Observer::reload_accepted() { status_.reload_accepted(); }

const Status& Observer::status() {
  catch_up();
  return status_;
}

ShownState Observer::state(std::vector<ProcessStatus> children) {
  catch_up();
  const Moment moment = now();
  ProcessStatus self{.name = "supervisor", .pid = ::getpid()};
  self.up_ms = static_cast<int64_t>((moment.mono_ns - started_.mono_ns) / 1'000'000);
  return {status_, history_, std::move(self), std::move(children), moment};
}

}  // namespace reconciler
