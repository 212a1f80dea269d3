#include "plugins/exec/exec_target.h"

#include <fmt/format.h>

#include <utility>

namespace reconciler::exec {

namespace {

// As Sentinel judges its scripts, but for those above 2, which are accidents more often than answers.
vr_outcome outcome_of(const ProgramEnd& end, bool cancelled) {
  if (end.exit_status == 0) return VR_APPLIED;
  if (cancelled) return VR_CANCELLED;
  return end.exit_status == 2 && !end.terminated ? VR_REJECTED : VR_RETRY;
}

}  // namespace

ExecTarget::Done ExecTarget::asked(const vr_topology& topology) const {
  Done done{topology.state, {topology.primary->host, topology.primary->port}, {}};
  for (std::size_t i = 0; settings_.replicas && i < topology.replica_count; ++i) {
    const vr_instance& replica = *topology.replicas[i];
    done.replicas.push_back({{replica.host, replica.port}, replica.healthy != 0});
  }
  return done;
}

void ExecTarget::apply(const vr_topology& topology, vr_request* request) {
  Group& group = groups_[topology.group];
  group.topology = &topology;
  group.request = request;
  group.cancelled = false;
  if (group.done == asked(topology)) return complete(group, VR_APPLIED, {});
  if (settings_.sentinel_arguments && topology.state != VR_PRIMARY_KNOWN) {
    return complete(group, VR_REJECTED,
                    "Sentinel's seven arguments can't say that the primary is suspected "
                    "(`arguments = \"none\"` can)");
  }
  if (settings_.dry_run) {
    return complete(
        group, VR_REJECTED,
        fmt::format("dry run: would run {} for {} primary {}", settings_.command.front(),
                    topology.state == VR_PRIMARY_KNOWN ? "the" : "the suspected",
                    to_string(Endpoint{topology.primary->host, topology.primary->port})));
  }
  if (turns_.take(group)) run(group);
}

void ExecTarget::run(Group& group) {
  const vr_topology& topology = *group.topology;
  const Told told{settings_.target, topology,
                  group.published.before({topology.primary->host, topology.primary->port})};
  ProgramPlan plan{topology.group, settings_.command, environment_of(told), input_of(told),
                   settings_.deadline_ms};
  if (settings_.sentinel_arguments) {
    for (std::string& argument : sentinel_arguments(told)) {
      plan.command.push_back(std::move(argument));
    }
  }
  group.program = std::make_unique<Program>(
      host_, std::move(plan), [this, &group](const ProgramEnd& end) { ended(group, end); });
  if (auto started = group.program->start(); !started) {
    ended(group, {-1, false, started.error().message()});
  }
}

void ExecTarget::ended(Group& group, const ProgramEnd& end) {
  const std::unique_ptr<Program> program = std::move(group.program);
  const vr_outcome outcome = outcome_of(end, group.cancelled);
  if (outcome == VR_APPLIED) {
    const vr_topology& topology = *group.topology;
    group.done = asked(topology);
    if (topology.state == VR_PRIMARY_KNOWN) group.published.follow(group.done->primary);
    host_.log(VR_INFO, topology.group, "{} was told of primary {} ({}, epoch {})",
              settings_.command.front(), to_string(group.done->primary),
              topology.state == VR_PRIMARY_KNOWN ? "known" : "suspected", topology.epoch);
  } else {
    // What it did before it failed nobody knows.
    group.done.reset();
  }
  complete(group, outcome, end.what);
  if (Group* next = turns_.give_back()) run(*next);
}

void ExecTarget::cancel(vr_request* request) {
  for (auto& [name, group] : groups_) {
    if (group.request != request) continue;
    group.cancelled = true;
    if (group.program) return group.program->cancel();
    turns_.forget(group);
    return complete(group, VR_CANCELLED, "cancelled before its turn came");
  }
}

void ExecTarget::complete(Group& group, vr_outcome outcome, const std::string& reason) {
  host_.complete(std::exchange(group.request, nullptr), outcome, reason);
}

}  // namespace reconciler::exec
