#include "supervisor/status/status_document.h"

#include <cmath>

#include "common/log.h"
#include "supervisor/status/json_writer.h"

namespace reconciler {

namespace {

constexpr int schema = 1;

const char* to_string(ipc::Severity severity) {
  return severity == ipc::Severity::blocking ? "blocking" : "degraded";
}

const char* to_string(PrimaryState state) {
  return state == PrimaryState::known ? "known" : "suspected";
}

const char* to_string(ipc::OutcomeKind kind) {
  switch (kind) {
    case ipc::OutcomeKind::applied:
      return "applied";
    case ipc::OutcomeKind::retry:
      return "retry";
    case ipc::OutcomeKind::rejected:
      return "rejected";
    case ipc::OutcomeKind::cancelled:
      break;
  }
  return "cancelled";
}

const char* to_string(ProcessKind kind) {
  switch (kind) {
    case ProcessKind::supervisor:
      return "supervisor";
    case ProcessKind::watcher:
      return "watcher";
    case ProcessKind::labeler:
      break;
  }
  return "labeler";
}

const char* to_string(ProcessState state) {
  switch (state) {
    case ProcessState::at_work:
      return "at work";
    case ProcessState::starting:
      return "starting";
    case ProcessState::restarting:
      return "restarting";
    case ProcessState::refused:
      break;
  }
  return "refused";
}

double milliseconds(uint64_t ns) { return std::round(static_cast<double>(ns) / 1e3) / 1e3; }
double seconds(int64_t ms) { return static_cast<double>(ms) / 1e3; }

void write_time(JsonWriter& json, std::string_view name, int64_t unix_us) {
  json.key(name);
  unix_us > 0 ? json.value(log::format_time(unix_us)) : json.null();
}

void write_decision(JsonWriter& json, const Decision& decision) {
  json.field("era", decision.era).field("epoch", decision.epoch).field("step", decision.step);
  json.field("settled", decision.settled());
}

void write_outcome(JsonWriter& json, const std::optional<ipc::OutcomeKind>& outcome) {
  json.key("outcome");
  outcome ? json.value(to_string(*outcome)) : json.null();
}

void write_problems(JsonWriter& json, const Status& status) {
  json.key("problems").begin('[');
  for (const Status::Problem& problem : status.problems()) {
    json.begin('{').field("severity", to_string(problem.what.severity));
    json.field("process", problem.process).field("group", problem.what.group);
    json.field("id", problem.what.id).field("message", problem.what.message);
    write_time(json, "since", problem.since_us);
    json.end('}');
  }
  json.end(']');
}

void write_configuration(JsonWriter& json, const Status& status) {
  json.key("configuration").begin('{').field("file", status.configuration_file());
  write_time(json, "loaded_at", status.loaded_us());
  const std::string refused = status.refused_reload();
  json.key("refused");
  refused.empty() ? json.null() : json.value(refused);
  json.end('}');
}

void write_sentinels_of(JsonWriter& json, const Status& status, const std::string& group) {
  json.key("sentinels");
  const auto found = status.sentinels().groups.find(group);
  if (found == status.sentinels().groups.end()) return json.null();
  const SentinelGauges::OfGroup& said = found->second;
  json.begin('{').field("known", said.known).field("up", said.up).field("agree", said.agree);
  write_time(json, "agreed_at", static_cast<int64_t>(said.agreed_unix_s * 1e6));
  json.end('}');
}

void write_group(JsonWriter& json, const Status& status, const std::string& name,
                 const Status::Group& group) {
  const Topology& topology = group.topology;
  json.begin('{').field("name", name);
  json.field("state", group.known() ? to_string(topology.state) : "unknown").key("primary");
  group.known() ? json.value(to_string(topology.primary)) : json.null();
  write_decision(json, topology.decision);
  json.key("replicas").begin('[');
  for (const Replica& replica : topology.replicas) {
    json.begin('{').field("address", to_string(replica.endpoint));
    json.field("healthy", replica.healthy).end('}');
  }
  json.end(']').field("cause", topology.cause);
  write_time(json, "since", group.since_us);
  write_sentinels_of(json, status, name);
  json.end('}');
}

void write_told(JsonWriter& json, const std::string& group, const Status::Told& told,
                bool in_sync) {
  json.begin('{').field("group", group).field("in_sync", in_sync);
  if (told.outcome) {
    write_outcome(json, told.outcome->kind);
    json.field("reason", told.outcome->reason);
    json.field("primary", to_string(told.outcome->primary));
    json.field("epoch", told.outcome->decision.epoch);
  } else {
    write_outcome(json, std::nullopt);
    json.field("reason", "").null_field("primary").null_field("epoch");
  }
  write_time(json, "done_at", told.done_us);
  json.field("attempts", told.attempts).end('}');
}

void write_targets(JsonWriter& json, const Status& status) {
  json.key("targets").begin('[');
  for (const auto& [name, target] : status.targets()) {
    json.begin('{').field("name", name).field("plugin", target.plugin).key("groups").begin('[');
    for (const auto& [group, told] : target.groups) {
      const auto known = status.groups().find(group);
      write_told(json, group, told,
                 known != status.groups().end() && told.in_sync_with(known->second));
    }
    json.end(']').end('}');
  }
  json.end(']');
}

void write_failover(JsonWriter& json, const History::Failover& failover) {
  json.begin('{').field("group", failover.group);
  write_decision(json, failover.decision);
  json.field("state", to_string(failover.state)).field("from", to_string(failover.from));
  json.field("to", to_string(failover.to)).field("cause", failover.cause);
  write_time(json, "event_at", failover.event_unix_us);
  json.field("published_ms", milliseconds(failover.published_ns)).key("targets").begin('[');
  for (const History::Target& target : failover.targets) {
    json.begin('{').field("target", target.name);
    write_outcome(json, target.outcome);
    json.key("done_ms");
    target.done_ns ? json.value(milliseconds(*target.done_ns)) : json.null();
    json.field("attempts", target.attempts).field("reason", target.reason).end('}');
  }
  json.end(']').end('}');
}

void write_failovers(JsonWriter& json, const History& history) {
  json.key("failovers").begin('[');
  std::size_t count = 0;
  for (const History::Failover& failover : history.newest_first()) {
    if (++count > History::shown) break;
    write_failover(json, failover);
  }
  json.end(']');
}

void write_latency(JsonWriter& json, const History& history) {
  json.key("latency").begin('[');
  for (const auto& [target, latency] : history.latency()) {
    json.begin('{').field("target", target).key("buckets").begin('[');
    for (std::size_t i = 0; i <= LatencyHistogram::bounds.size(); ++i) {
      json.begin('{').key("le");
      i < LatencyHistogram::bounds.size() ? json.value(LatencyHistogram::bounds[i]) : json.null();
      json.field("count", latency.count_up_to(i)).end('}');
    }
    json.end(']').field("sum_seconds", latency.sum_seconds());
    json.field("count", latency.count()).end('}');
  }
  json.end(']');
}

void write_process(JsonWriter& json, const ProcessStatus& process) {
  json.begin('{').field("name", process.name).field("kind", to_string(process.kind)).key("pid");
  process.pid > 0 ? json.value(process.pid) : json.null();
  json.field("state", to_string(process.state)).field("up_seconds", seconds(process.up_ms));
  json.field("restarts", process.restarts).end('}');
}

}  // namespace

std::string status_document(const ShownState& state) {
  const Status& status = state.status;
  const std::vector<std::string> in_the_way = status.in_the_way();
  JsonWriter json;
  json.begin('{').field("schema", schema).field("version", RECONCILER_VERSION);
  write_time(json, "now", state.now.unix_us);
  json.field("pid", state.supervisor.pid).field("up_seconds", seconds(state.supervisor.up_ms));
  json.field("ready", in_the_way.empty()).key("in_the_way").begin('[');
  for (const std::string& line : in_the_way) json.value(line);
  json.end(']');
  write_problems(json, status);
  write_configuration(json, status);
  json.key("groups").begin('[');
  for (const auto& [name, group] : status.groups()) write_group(json, status, name, group);
  json.end(']').key("sentinels").begin('[');
  for (const auto& [which, up] : status.sentinels().up) {
    json.begin('{').field("set", which.first).field("address", which.second);
    json.field("up", up).end('}');
  }
  json.end(']');
  write_targets(json, status);
  write_failovers(json, state.history);
  write_latency(json, state.history);
  json.key("processes").begin('[');
  write_process(json, state.supervisor);
  for (const ProcessStatus& child : state.children) write_process(json, child);
  json.end(']').end('}');
  return json.take() + "\n";
}

}  // namespace reconciler
