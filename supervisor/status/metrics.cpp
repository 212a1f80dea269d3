#include "supervisor/status/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "supervisor/status/exposition.h"

namespace reconciler {

namespace {

using Type = Exposition::Type;

constexpr const char* failovers = "failovers_total";

void add_groups(Exposition& out, const Status& status) {
  if (status.groups().empty()) return;
  auto& known = out.family("group_known", Type::gauge,
                           "1 while a primary of the group is known and not suspected.");
  auto& epoch = out.family("group_epoch", Type::gauge, "Sentinel's config-epoch of the group.");
  for (const auto& [name, group] : status.groups()) {
    const bool right = group.known() && group.topology.state == PrimaryState::known;
    known.add({{"group", name}}, uint64_t{right});
    epoch.add({{"group", name}}, group.topology.decision.epoch);
  }
}

void add_sentinels(Exposition& out, const SentinelGauges& said) {
  for (const auto& [which, up] : said.up) {
    out.family("sentinel_up", Type::gauge, "1 while the Sentinel answers.")
        .add({{"set", which.first}, {"sentinel", which.second}}, uint64_t{up});
  }
  struct Gauge {
    const char* name;
    const char* help;
    double SentinelGauges::OfGroup::*value;
  };
  constexpr std::array gauges{
      Gauge{"sentinels_known", "Sentinels that are known to watch the group.",
            &SentinelGauges::OfGroup::known},
      Gauge{"sentinels_up", "Those of them that answer.", &SentinelGauges::OfGroup::up},
      Gauge{"sentinels_agree", "Those of them that name the primary that is published.",
            &SentinelGauges::OfGroup::agree},
      Gauge{"sentinels_agreed_timestamp_seconds",
            "When all of them that answer last named the primary that is published.",
            &SentinelGauges::OfGroup::agreed_unix_s},
  };
  for (const Gauge& gauge : gauges) {
    for (const auto& [group, values] : said.groups)
      out.family(gauge.name, Type::gauge, gauge.help).add({{"group", group}}, values.*gauge.value);
  }
}

void add_targets(Exposition& out, const Status& status) {
  for (const auto& [name, target] : status.targets()) {
    for (const auto& [group, told] : target.groups) {
      const auto known = status.groups().find(group);
      const bool in_sync = known != status.groups().end() && told.in_sync_with(known->second);
      out.family("target_in_sync", Type::gauge,
                 "1 where the target has confirmed what is known of the group.")
          .add({{"target", name}, {"group", group}}, uint64_t{in_sync});
    }
  }
}

void add_latency(Exposition& out, const History& history) {
  for (const auto& [target, latency] : history.latency()) {
    auto& family =
        out.family("label_seconds", Type::histogram,
                   "From the news of a failover until the target had confirmed its write.");
    for (std::size_t i = 0; i < LatencyHistogram::bounds.size(); ++i) {
      family.add("_bucket",
                 {{"target", target}, {"le", fmt::format("{}", LatencyHistogram::bounds[i])}},
                 latency.count_up_to(i));
    }
    family.add("_bucket", {{"target", target}, {"le", "+Inf"}}, latency.count());
    family.add("_sum", {{"target", target}}, latency.sum_seconds());
    family.add("_count", {{"target", target}}, latency.count());
  }
}

// Those that the children count themselves. A plugin's names are its own; they get the form that
// Prometheus wants.
void add_counters(Exposition& out, const Counters& counters, const std::string& child,
                  bool is_labeler) {
  // Two names may have one form: then they are one series.
  std::map<Counters::Series, uint64_t> all;
  for (const auto& [series, counted] : counters.of(child)) {
    std::string name = metric_name(series.name);
    if (!name.ends_with("_total")) name += "_total";
    std::string label = metric_name(series.label);
    if (label == "target" || label.starts_with("__")) label.insert(0, "plugin_");
    const std::string value = label.empty() ? std::string() : series.value;
    all[{std::move(name), std::move(label), value}] += counted.total();
  }
  for (const auto& [series, total] : all) {
    Exposition::Labels labels;
    if (is_labeler) labels.emplace_back("target", child);
    if (!series.label.empty()) labels.emplace_back(series.label, series.value);
    out.family(
           series.name, Type::counter,
           is_labeler ? "Counted by the plugin of a target." : "Counted by the sentinel-watcher.")
        .add(labels, total);
  }
}

// `increase()` sees a first failover only where there was a zero before.
void add_failovers(Exposition& out, const Status& status) {
  const Counters::OfChild& counted = status.counters().of("sentinel-watcher");
  auto& family = out.family(failovers, Type::counter,
                            "Changes of a group's primary that the sentinel-watcher has told.");
  for (const auto& [name, group] : status.groups()) {
    if (!counted.contains({failovers, "group", name})) family.add({{"group", name}}, uint64_t{0});
  }
}

void add_processes(Exposition& out, const ShownState& state) {
  for (const ProcessStatus& child : state.children) {
    out.family("child_up", Type::gauge, "1 while the process is at work.")
        .add({{"process", child.name}}, uint64_t{child.state == ProcessState::at_work});
    out.family("child_restarts_total", Type::counter,
               "Deaths of a process that nobody had asked for.")
        .add({{"process", child.name}}, child.restarts);
  }
}

void add_problems(Exposition& out, const Status& status) {
  const std::vector<Status::Problem> problems = status.problems();
  const auto blocking = static_cast<uint64_t>(
      std::count_if(problems.begin(), problems.end(), [](const Status::Problem& problem) {
        return problem.what.severity == ipc::Severity::blocking;
      }));
  auto& family = out.family("problems", Type::gauge,
                            "Problems that are there now, by whether they keep from being ready.");
  family.add({{"severity", "blocking"}}, blocking);
  family.add({{"severity", "degraded"}}, problems.size() - blocking);

  // A child that says the same twice must not spoil all else: a series that is there twice fails
  // the scrape.
  std::set<std::array<std::string_view, 3>> told;
  for (const Status::Problem& problem : problems) {
    if (!told.insert({problem.process, problem.what.group, problem.what.id}).second) continue;
    out.family("problem", Type::gauge, "1 while the problem is there.")
        .add({{"process", problem.process},
              {"group", problem.what.group},
              {"id", problem.what.id},
              {"severity",
               problem.what.severity == ipc::Severity::blocking ? "blocking" : "degraded"}},
             uint64_t{1});
  }
}

}  // namespace

std::string metrics(const ShownState& state) {
  const Status& status = state.status;
  Exposition out;
  out.family("build_info", Type::gauge, "1, with the version of the program.")
      .add({{"version", RECONCILER_VERSION}}, uint64_t{1});
  out.family("ready", Type::gauge, "1 while /readyz answers 200.")
      .add({}, uint64_t{status.in_the_way().empty()});
  out.family("reload_refused", Type::gauge,
             "1 while the last reload was refused, or a process could not follow it.")
      .add({}, uint64_t{status.is_behind()});
  add_problems(out, status);
  add_groups(out, status);
  add_sentinels(out, status.sentinels());
  add_targets(out, status);
  add_failovers(out, status);
  add_counters(out, status.counters(), "sentinel-watcher", false);
  for (const auto& [name, target] : status.targets())
    add_counters(out, status.counters(), name, true);
  add_latency(out, state.history);
  add_processes(out, state);
  return out.text();
}

}  // namespace reconciler
