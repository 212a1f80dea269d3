#include "supervisor/live_check/live_check.h"

#include <signal.h>

#include <map>
#include <string>
#include <utility>

#include "common/uv/handle.h"
#include "supervisor/live_check/live_findings.h"
#include "supervisor/supervisor.h"

namespace reconciler {

namespace {

constexpr uint64_t look_ms = 250;
// A plugin says what it finds, and not when it is through: so long it has time. A request to an API server that is silent
// ends after 5 s, and a right that is missing is asked for twice, 2 s apart.
constexpr uint64_t review_time_ms = 6'000;

// Driven by its timers, lives on the stack of check_live().
class LiveCheck {
 public:
  LiveCheck(const Configuration& configuration, Supervisor& supervisor, uv_loop_t* loop)
      : supervisor_(supervisor), loop_(loop) {
    for (const SentinelSettings& set : configuration.sentinels) {
      for (const GroupSettings& group : set.groups) answers_.groups[group.name];
    }
    for (const TargetSettings& target : configuration.targets)
      answers_.targets[target.name].plugin = target.plugin;
  }

  // Asks whom there is to be asked; true once all are through.
  bool look() {
    answers_.problems = supervisor_.status().problems();
    const bool targets = look_at_targets();
    if (open_ > 0) return false;
    // The last answers are to be no older than what came last.
    const bool all = targets && sentinels_are_through(answers_);
    if (all && asked_for_all_ && groups_are_through(answers_)) return true;
    asked_for_all_ = all;
    ask_watcher();
    return false;
  }

  const LiveAnswers& answers() const { return answers_; }

 private:
  void ask_watcher() {
    ++open_;
    supervisor_.explain_sentinels([this](const Result<std::string>& known) {
      --open_;
      if (known) answers_.sentinels = *known;
    });
    for (auto& [name, answer] : answers_.groups) {
      ++open_;
      supervisor_.explain(name, [this, &answer = answer](const Result<std::string>& known) {
        --open_;
        if (known) answer = *known;
      });
    }
  }

  bool look_at_targets() {
    const uint64_t now = uv_now(loop_);
    bool through = true;
    for (auto& [name, target] : answers_.targets) {
      if (target.review.empty()) {
        ask_labeler(name, target);
      } else {
        target.had_time = now - asked_ms_[name] >= review_time_ms;
      }
      through &= target.had_time || has_refused(name);
    }
    return through;
  }

  void ask_labeler(const std::string& name, LiveAnswers::Target& target) {
    supervisor_.review(name, [this, &name, &target](const Result<std::string>& review) {
      if (!review || !target.review.empty()) return;
      target.review = *review;
      asked_ms_[name] = uv_now(loop_);
    });
  }

  bool has_refused(const std::string& target) const {
    for (const Status::Problem& problem : answers_.problems) {
      if (problem.process == target && problem.what.id == "refused") return true;
    }
    return false;
  }

  Supervisor& supervisor_;
  uv_loop_t* loop_;
  LiveAnswers answers_;
  std::map<std::string, uint64_t> asked_ms_;  // by target
  unsigned open_ = 0;                         // questions to the watcher
  bool asked_for_all_ = false;
};

}  // namespace

std::vector<Finding> check_live(Configuration configuration, Milliseconds timeout) {
  // An instance is asked for its ROLE when something is unsure; by this proof the primary is asked at once, too.
  for (SentinelSettings& set : configuration.sentinels) {
    for (GroupSettings& group : set.groups) {
      if (set.ask_instances) group.act_on = ActOn::promotion;
    }
  }
  uv::Loop loop;
  const Configuration settings = configuration;
  Supervisor supervisor(loop.get(), std::move(configuration), Supervisor::Purpose::look);
  LiveCheck check(settings, supervisor, loop.get());
  uv::Timer look(loop.get());
  uv::Timer deadline(loop.get());
  uv::Signal terminate(loop.get());
  uv::Signal interrupt(loop.get());
  std::vector<Finding> findings;

  const auto stop = [&] {
    if (!look.active()) return;  // it ends already
    look.stop();
    deadline.stop();
    // What children say of their end is no finding.
    findings = live_findings(check.answers());
    supervisor.stop([&] { loop.stop(); });
  };
  look.start_repeating(look_ms, [&] {
    if (check.look()) stop();
  });
  deadline.start(static_cast<uint64_t>(timeout), stop);
  terminate.start(SIGTERM, stop);
  interrupt.start(SIGINT, stop);
  supervisor.start();
  loop.run();
  return findings;
}

}  // namespace reconciler
