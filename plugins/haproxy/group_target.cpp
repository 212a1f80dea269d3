#include "plugins/haproxy/group_target.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugins/address.h"

namespace reconciler::haproxy {

namespace {

constexpr const char* unreachable = "haproxy-unreachable";
constexpr const char* rights_missing = "rights-missing";
constexpr const char* no_backend = "no-backend";
constexpr const char* no_server = "no-server";
constexpr const char* higher_decision = "higher-decision";
constexpr const char* not_remembered = "not-remembered";

}  // namespace

GroupTarget::GroupTarget(Host host, const Settings& settings, const Settings::Group& group)
    : host_(host),
      settings_(settings),
      name_(group.name),
      rules_(group.rules),
      exchange_(host),
      poll_(host),
      end_(host) {}

void GroupTarget::apply(const vr_topology& topology, vr_request* request) {
  request_ = request;
  has_topology_ = true;
  changes_ = false;
  told_ = {topology.era, topology.epoch, topology.step};
  wanted_ = {topology.state == VR_PRIMARY_KNOWN, canonical_host(topology.primary->host),
             topology.primary->port};
  ours_ = {ahead_.of(told_), wanted_.known, plain(host_and_port(wanted_.host, wanted_.port))};
  poll_.stop();
  send(Step::read, {});
}

void GroupTarget::cancel(vr_request* request) {
  if (request != request_) return;
  const auto end = [this] {
    exchange_.stop();
    complete(VR_CANCELLED, "", std::nullopt);
  };
  if (step_ == Step::read) return end();
  // Once a fence is on its way, what was begun is finished, if HAProxy lets us.
  end_.start(longest_end_ms, end);
}

void GroupTarget::look() {
  if (step_ == Step::idle || step_ == Step::look) send(Step::look, {});
}

void GroupTarget::look_later() {
  poll_.start(settings_.poll_ms, [this] { look(); });
}

void GroupTarget::send(Step step, const Commands& commands) {
  step_ = step;
  Commands all = commands;
  for (std::string& command : read_commands(rules_.backend, rules_.remember))
    all.push_back(std::move(command));
  exchange_.start(
      {settings_.socket, Transport::stream, line_of(all), settings_.timeout_ms, nullptr},
      [this](const Result<std::string>& text) { on_answer(text); });
}

void GroupTarget::on_answer(const Result<std::string>& text) {
  Unreadable unreadable{Refusal::none, text ? "" : text.error().message()};
  const std::optional<Answer> answer =
      text ? read_answer(*text, rules_.backend, unreadable) : std::nullopt;
  if (!answer) return fail(unreadable);
  for (const char* id : {unreachable, no_backend}) host_.clear_problem(name_, id);
  switch (step_) {
    case Step::look:
      return on_look(answer->state);
    case Step::read:
      return on_read(*answer);
    case Step::fence:
      return on_fenced(*answer);
    case Step::promote:
      return on_promoted(*answer);
    case Step::idle:
      break;
  }
}

void GroupTarget::fail(const Unreadable& unreadable) {
  const char* id = unreadable.refusal == Refusal::rights    ? rights_missing
                   : unreadable.refusal == Refusal::backend ? no_backend
                                                            : unreachable;
  const std::string message =
      unreadable.refusal == Refusal::backend
          ? fmt::format("HAProxy at {} has no backend `{}`", settings_.socket.text, rules_.backend)
          : fmt::format("HAProxy at {}: {}", settings_.socket.text, unreadable.message);
  host_.set_blocking(name_, id, message);
  if (step_ == Step::look) {
    step_ = Step::idle;
    if (rests_on_) host_.log(VR_WARNING, name_, "{}", message);  // the first of such looks
    rests_on_.reset();
    return look_later();
  }
  complete(VR_RETRY, message, std::nullopt);
}

// A difference from what the last request ended on: HAProxy was restarted, or somebody else was at it.
void GroupTarget::on_look(const State& state) {
  step_ = Step::idle;
  look_later();
  if (has_topology_ && (!rests_on_ || *rests_on_ != state)) host_.changed(name_);
}

void GroupTarget::on_read(const Answer& answer) {
  const State& state = answer.state;
  const std::optional<HeldDecision> held = state.held ? state.held : last_;
  if (held) {
    // HAProxy has one writer, so there is nobody to wait for.
    const Placed place = placed(*held, ours_, /*patient=*/true);
    if (place.standing != Standing::ours) return stand_by(*held, state);
    ours_.decision = place.decision;
    ahead_.learn(told_, place.decision);
  }
  host_.clear_problem(name_, higher_decision);
  const Plan plan = make_plan(state.servers, wanted_, rules_);
  // A wrong name must not cost a good server; a new primary that has none does.
  const bool withdraws =
      plan.no_server.empty() || (held && ours_.decision.is_after(held->decision));
  if (!withdraws) {
    say_no_server(plan);
    return complete(VR_REJECTED, plan.no_server, state);
  }
  Commands commands;
  if (rules_.remember && state.held != ours_) commands = hold_commands(rules_.backend, ours_);
  commands.insert(commands.end(), plan.fence.begin(), plan.fence.end());
  if (settings_.dry_run) {
    commands.insert(commands.end(), plan.promote.begin(), plan.promote.end());
    if (commands.empty()) return on_promoted(answer);
    say_no_server(plan);
    return complete(VR_REJECTED,
                    fmt::format("dry run: would send HAProxy: {}", fmt::join(commands, "; ")),
                    state);
  }
  if (commands.empty()) return promote(answer, plan);
  changes_ = !plan.fence.empty();
  send(Step::fence, commands);
}

void GroupTarget::stand_by(const HeldDecision& held, const State& state) {
  const Plan plan = make_plan(state.servers, wanted_, rules_);
  const bool agrees = held.known && wanted_.known && held.primary == ours_.primary &&
                      plan.is_done() && plan.no_server.empty() && plan.held_down.empty();
  if (agrees) {
    host_.clear_problem(name_, higher_decision);
    return complete(VR_APPLIED, "", state);
  }
  const std::string reason = fmt::format(
      "HAProxy holds a higher decision for backend {}: {}; where Sentinel was set up anew, restart "
      "HAProxy",
      rules_.backend, to_text(held));
  host_.set_blocking(name_, higher_decision, reason);
  complete(VR_REJECTED, reason, state);
}

void GroupTarget::on_fenced(const Answer& answer) {
  if (!rules_.remember || answer.state.held == ours_) {
    forgets_ = false;
    host_.clear_problem(name_, not_remembered);
  } else {
    const std::string fault =
        fmt::format("HAProxy does not remember decisions: {}", answer.remarks);
    if (!std::exchange(forgets_, true)) host_.log(VR_WARNING, name_, "{}", fault);
    host_.set_degraded(name_, not_remembered, fault);
  }
  const Plan plan = make_plan(answer.state.servers, wanted_, rules_);
  if (!plan.fence.empty()) return refused(plan.fence.front(), answer);
  promote(answer, plan);
}

void GroupTarget::refused(const std::string& command, const Answer& answer) {
  const std::string reason =
      fmt::format("HAProxy did not do `{}`: {}", command,
                  answer.remarks.empty() ? "it says nothing of it" : answer.remarks);
  if (answer.refuses_rights()) host_.set_blocking(name_, rights_missing, reason);
  complete(VR_RETRY, reason, std::nullopt);
}

void GroupTarget::promote(const Answer& answer, const Plan& plan) {
  if (!plan.promote.empty()) {
    changes_ = true;
    return send(Step::promote, plan.promote);
  }
  on_promoted(answer);
}

void GroupTarget::on_promoted(const Answer& answer) {
  const Plan plan = make_plan(answer.state.servers, wanted_, rules_);
  if (!plan.is_done()) {
    return refused(plan.fence.empty() ? plan.promote.front() : plan.fence.front(), answer);
  }
  last_ = ours_;
  host_.clear_problem(name_, rights_missing);
  say_no_server(plan);
  const std::string& fault = plan.no_server.empty() ? plan.held_down : plan.no_server;
  if (!fault.empty()) return complete(VR_REJECTED, fault, answer.state);
  if (changes_) {
    host_.count("switches_total");
    host_.log(VR_INFO, name_, "backend {} leads to {} (epoch {})", rules_.backend,
              wanted_.known ? ours_.primary : "nothing: the primary is suspected", told_.epoch);
  }
  complete(VR_APPLIED, "", answer.state);
}

void GroupTarget::say_no_server(const Plan& plan) {
  const std::string& fault = plan.no_server.empty() ? plan.held_down : plan.no_server;
  if (fault.empty()) {
    host_.clear_problem(name_, no_server);
  } else {
    host_.set_blocking(name_, no_server, fault);
  }
}

void GroupTarget::complete(vr_outcome outcome, const std::string& reason,
                           std::optional<State> rest_on) {
  step_ = Step::idle;
  end_.stop();
  rests_on_ = std::move(rest_on);
  look_later();
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
}

}  // namespace reconciler::haproxy
