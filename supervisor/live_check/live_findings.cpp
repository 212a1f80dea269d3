#include "supervisor/live_check/live_findings.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/json.h"

namespace reconciler {

namespace {

using State = Finding::State;

const std::string watcher = "sentinel-watcher";
constexpr const char* page = "supervisor/sentinel_watcher/README.md";

template <typename Call>
void each(const cJSON* array, Call call) {
  const cJSON* element = nullptr;
  cJSON_ArrayForEach(element, array) call(element);
}

// As servers and API servers word it.
bool is_of_rights(std::string_view id, std::string_view message) {
  const auto says = [&](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  };
  return id == "rights-missing" || says("NOPERM") || says("forbidden") || says("ermission denied");
}

// What keeps a Sentinel from being of use.
Finding of_trouble(std::string about, std::string_view id, std::string_view message) {
  Finding finding{State::configuration, std::move(about), std::string(message), ""};
  if (is_of_rights(id, message)) {
    finding.state = State::right;
    finding.mend = fmt::format("ACL SETUSER with the least rights that {} shows", page);
  } else if (id == "sentinel-unreachable" || id == "sentinel-name") {
    finding.state = State::unreachable;
    finding.mend = id == "sentinel-name"
                       ? "see that the name resolves where this program runs"
                       : "see that it runs at that address, and that no firewall or network policy "
                         "stands between";
  } else if (id == "sentinel-tls") {
    finding.mend = "see tls of [[sentinel]]: enabled, ca_file, server_name, cert_file, key_file";
  } else if (id == "sentinel-auth") {
    finding.mend = "see username, password and password_file of [[sentinel]]";
  } else if (id == "no-sentinel") {
    finding.mend = "see addresses of [[sentinel]]: Sentinels mostly listen at port 26379";
  } else {
    finding.state = State::note;
  }
  return finding;
}

// What the Sentinel at `address` said when it was asked for a group; null where it was not.
const cJSON* said_by(std::string_view address, const cJSON* group) {
  const cJSON* found = nullptr;
  each(json::member(group, "sentinels"), [&](const cJSON* sentinel) {
    if (json::text(sentinel, "address") == address) found = sentinel;
  });
  return found;
}

std::string tls_of(const cJSON* sentinel) {
  const std::string_view version = json::text(sentinel, "tls");
  if (version.empty()) return "without TLS";
  return fmt::format("{}, {}", version,
                     json::is_true(sentinel, "verified") ? "certificate verified" : "NOT verified");
}

Finding of_sentinel(const cJSON* sentinel, const std::vector<json::Document>& groups) {
  const std::string_view address = json::text(sentinel, "address");
  const std::string about = fmt::format("Sentinel {}", address);
  std::vector<Finding> troubles;
  each(json::member(sentinel, "troubles"), [&](const cJSON* trouble) {
    troubles.push_back(
        of_trouble(about, json::text(trouble, "id"), json::text(trouble, "message")));
  });
  bool was_asked = false;
  for (const json::Document& group : groups) {
    const cJSON* said = said_by(address, group.get());
    const std::string_view standing = json::text(said, "standing");
    was_asked |= standing == "answers" || standing == "knows no such group";
    if (standing == "refused") {
      troubles.push_back(of_trouble(about, "no-sentinel",
                                    fmt::format("refuses: {}", json::text(said, "refusal"))));
      break;
    }
  }
  if (!troubles.empty()) {
    Finding all = troubles.front();
    for (std::size_t i = 1; i < troubles.size(); ++i) {
      if (all.state == State::note) std::swap(all.state, troubles[i].state);
      if (all.mend.empty()) all.mend = troubles[i].mend;
      all.what += "; " + troubles[i].what;
    }
    return all;
  }
  const bool whole = json::is_true(sentinel, "answers") && json::is_true(sentinel, "hears");
  if (!whole || !was_asked) {
    return {State::unreachable, about, "did not answer in time",
            "a longer --timeout tells more, or its log"};
  }
  return {State::ok, about,
          fmt::format("PING, SUBSCRIBE and SENTINEL are granted; {}", tls_of(sentinel)), ""};
}

std::string among(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// `blamed`: the worst of the Sentinels' findings.
Finding of_group(const std::string& name, const cJSON* group, State blamed) {
  const std::string about = fmt::format("group {}", name);
  std::vector<std::string> strangers;
  std::size_t telling = 0;
  std::size_t count = 0;
  each(json::member(group, "sentinels"), [&](const cJSON* sentinel) {
    const std::string_view standing = json::text(sentinel, "standing");
    ++count;
    if (standing == "answers") ++telling;
    if (standing == "knows no such group") strangers.emplace_back(json::text(sentinel, "address"));
  });
  if (!strangers.empty()) {
    return {State::configuration, about,
            fmt::format("not known to {}", telling == 0 ? "any Sentinel that answers"
                                                        : "Sentinel " + among(strangers)),
            "see name of [[sentinel.group]]: SENTINEL MASTERS lists those that a Sentinel knows"};
  }
  if (telling == 0)
    return {blamed, about, "no Sentinel tells of it", "see the lines of the Sentinels"};
  const cJSON* decision = json::member(group, "decision");
  if (!cJSON_IsObject(decision)) {
    return {
        State::unreachable, about,
        fmt::format("{} of {} Sentinels tell of it, and no primary could be named", telling, count),
        "too few answer: see the lines of the Sentinels"};
  }
  const bool known = json::text(decision, "state") == "known";
  std::string what = fmt::format("known to {} of {} Sentinels, its primary is {}", telling, count,
                                 json::text(decision, "primary"));
  each(json::member(group, "instances"), [&](const cJSON* instance) {
    what += fmt::format("; {}: {}", json::text(instance, "address"), json::text(instance, "role"));
  });
  if (!known) return {State::note, about, what + ", which is suspected to be down", ""};
  return {State::ok, about, what, ""};
}

// A problem that the watcher told of a group beside what of_group sees.
Finding of_group_problem(const ipc::Problem& problem) {
  Finding finding{State::note, fmt::format("group {}", problem.group), problem.message, ""};
  if (problem.id != "instance-unasked") return finding;
  const bool is_let_in = problem.message.find("WRONGPASS") == std::string::npos &&
                         problem.message.find("NOAUTH") == std::string::npos;
  finding.state = is_of_rights(problem.id, problem.message) ? State::right
                  : is_let_in                               ? State::unreachable
                                                            : State::configuration;
  finding.mend =
      fmt::format("see instances of [[sentinel]], and the least rights at instances in {}", page);
  return finding;
}

Finding of_target_problem(const std::string& about, const std::string& plugin,
                          const ipc::Problem& problem) {
  const std::string& id = problem.id;
  Finding finding{State::configuration, about, problem.message, ""};
  if (!problem.group.empty())
    finding.what = fmt::format("group {}: {}", problem.group, problem.message);
  if (is_of_rights(id, problem.message)) {
    finding.state = State::right;
    finding.mend = plugin == "kubernetes"
                       ? "add it to the Role: packaging/kubernetes/base/role.yaml, or that of the "
                         "component in use"
                       : fmt::format("plugins/{}/README.md tells which rights are needed", plugin);
  } else if (id == "down" || id.ends_with("unreachable")) {
    finding.state = State::unreachable;
    finding.mend = id == "down" ? "its log says more"
                                : "see that it runs at that address, and that no firewall or "
                                  "network policy stands between";
  } else if (problem.severity == ipc::Severity::degraded) {
    finding.state = State::note;
  } else {
    finding.mend =
        fmt::format("see the keys of [[target]]; plugin {} has them in its README", plugin);
  }
  return finding;
}

Finding of_well_target(const std::string& about, const LiveAnswers::Target& target) {
  if (!target.had_time) {
    return {State::unreachable, about,
            target.review.empty() ? "its process did not answer in time"
                                  : "its plugin had too little time",
            "a longer --timeout"};
  }
  const json::Document review = json::parse(target.review);
  const bool checks = json::is_true(review.get(), "checks");
  return {
      State::ok, about,
      fmt::format("plugin {} is loaded, {}", target.plugin,
                  checks ? "and has found nothing wrong" : "and can check nothing without writing"),
      ""};
}

void add_target(const std::string& name, const LiveAnswers::Target& target,
                const std::vector<Status::Problem>& problems, std::vector<Finding>& findings) {
  const std::string about = fmt::format("target {}", name);
  std::vector<Finding> found;
  bool refused = false;
  for (const Status::Problem& problem : problems)
    refused |= problem.process == name && problem.what.id == "refused";
  for (const Status::Problem& problem : problems) {
    // That it is down since it refused its configuration is the smaller half of the truth.
    if (problem.process != name || (refused && problem.what.id == "down")) continue;
    found.push_back(of_target_problem(about, target.plugin, problem.what));
  }
  const bool is_well = std::all_of(found.begin(), found.end(),
                                   [](const Finding& one) { return one.state == State::note; });
  if (is_well) findings.push_back(of_well_target(about, target));
  findings.insert(findings.end(), found.begin(), found.end());
}

std::vector<json::Document> parsed(const std::map<std::string, std::string>& texts) {
  std::vector<json::Document> documents;
  documents.reserve(texts.size());
  for (const auto& [name, text] : texts) documents.push_back(json::parse(text));
  return documents;
}

// Nothing where all are well.
std::optional<State> worst(const std::vector<Finding>& findings) {
  for (const State state : {State::configuration, State::unreachable, State::right}) {
    const bool is_there = std::any_of(findings.begin(), findings.end(),
                                      [state](const Finding& one) { return one.state == state; });
    if (is_there) return state;
  }
  return std::nullopt;
}

}  // namespace

bool sentinels_are_through(const LiveAnswers& answers) {
  const json::Document document = json::parse(answers.sentinels);
  const cJSON* sentinels = json::member(document.get(), "sentinels");
  bool through = cJSON_IsArray(sentinels);
  each(sentinels, [&](const cJSON* sentinel) {
    const bool is_well = json::is_true(sentinel, "answers") && json::is_true(sentinel, "hears");
    through &= is_well || cJSON_GetArraySize(json::member(sentinel, "troubles")) > 0;
  });
  // Of a name that is still looked up there is nothing yet.
  const bool unresolved = std::any_of(
      answers.problems.begin(), answers.problems.end(),
      [](const Status::Problem& problem) { return problem.what.id == "sentinel-name"; });
  return through && (cJSON_GetArraySize(sentinels) > 0 || unresolved);
}

bool groups_are_through(const LiveAnswers& answers) {
  bool through = true;
  for (const json::Document& group : parsed(answers.groups)) {
    through &= group != nullptr;
    const auto has_answered = [&](const char* key) {
      return [&through, key](const cJSON* one) {
        through &= json::text(one, key) != "not answered yet";
      };
    };
    each(json::member(group.get(), "sentinels"), has_answered("standing"));
    each(json::member(group.get(), "instances"), has_answered("role"));
  }
  return through;
}

std::vector<Finding> live_findings(const LiveAnswers& answers) {
  const json::Document document = json::parse(answers.sentinels);
  const std::vector<json::Document> groups = parsed(answers.groups);
  std::vector<Finding> findings;
  each(json::member(document.get(), "sentinels"),
       [&](const cJSON* sentinel) { findings.push_back(of_sentinel(sentinel, groups)); });
  if (document == nullptr) {
    findings.push_back({State::unreachable, watcher, "it did not answer in time",
                        "a longer --timeout, or its log"});
  }
  // Those that are told of one Sentinel stand in its line already.
  const std::set<std::string> told{
      "sentinel-unreachable", "sentinel-tls",       "sentinel-auth",    "no-sentinel",
      "sentinel-channels",    "sentinel-discovery", "replicas-unknown", "sentinel-stranger"};
  const std::set<std::string> seen{"primary-unknown", "no-such-group", "sentinel-answer",
                                   "sentinels-out-of-reach", "sentinels-missing"};
  for (const Status::Problem& problem : answers.problems) {
    if (problem.process != watcher || !problem.what.group.empty() || told.contains(problem.what.id))
      continue;
    findings.push_back(of_trouble("Sentinels", problem.what.id, problem.what.message));
  }
  const State blamed = worst(findings).value_or(State::unreachable);
  std::size_t place = 0;
  for (const auto& [name, text] : answers.groups) {
    const json::Document& group = groups[place++];
    findings.push_back(of_group(name, group.get(), blamed));
    for (const Status::Problem& problem : answers.problems) {
      if (problem.process == watcher && problem.what.group == name &&
          !seen.contains(problem.what.id))
        findings.push_back(of_group_problem(problem.what));
    }
  }
  for (const auto& [name, target] : answers.targets)
    add_target(name, target, answers.problems, findings);
  return findings;
}

int exit_status(const std::vector<Finding>& findings) {
  switch (worst(findings).value_or(State::ok)) {
    case State::ok:
    case State::note:
      return EX_OK;
    case State::configuration:
      return EX_CONFIG;
    case State::unreachable:
      return EX_UNAVAILABLE;
    case State::right:
      break;
  }
  return EX_NOPERM;
}

}  // namespace reconciler
