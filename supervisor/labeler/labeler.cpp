#include "supervisor/labeler/labeler.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/log.h"
#include "common/log_repetition.h"
#include "common/random.h"
#include "supervisor/labeler/plugin_library.h"

namespace reconciler::labeler {

namespace {

// How long a plugin has to complete a request after `cancel`, and a begun promotion at the end of
// the program.
constexpr uint64_t cancel_grace_ms = 3'000;
constexpr uint64_t stop_grace_ms = 3'000;

bool tells_dry_run(const vr_plugin& plugin) {
  return VR_HAS(&plugin, abilities) && (plugin.abilities & VR_TELLS_DRY_RUN) != 0;
}

}  // namespace

Labeler::Labeler(uv_loop_t* loop, ipc::ChildSession& session)
    : loop_(loop),
      session_(session),
      turn_(loop),
      grace_(loop),
      orders_(loop, session, target_, [this](const std::string& why) { give_up(why); }) {}

Labeler::~Labeler() {
  if (instance_ != nullptr) plugin_->destroy(instance_);
}

Result<void> Labeler::start(const LabelerSettings& settings, const vr_plugin* loaded) {
  target_ = settings.target;
  dry_run_ = settings.dry_run;
  auto plugin = loaded != nullptr ? Result<const vr_plugin*>(loaded)
                                  : load_plugin(plugin_path(target_.plugin));
  if (!plugin) return plugin.error();
  plugin_ = *plugin;
  // The settings were checked against the schema of the plugin that was on disk then.
  auto schema = schema_of(*plugin_);
  if (!schema) return schema.error();
  bool same = schema->keys.size() == target_.settings.size();
  for (std::size_t i = 0; same && i < schema->keys.size(); ++i) {
    same = schema->keys[i].name == target_.settings[i].name &&
           schema->keys[i].type == target_.settings[i].type;
  }
  if (!same)
    return Error(
        fmt::format("plugin {} was replaced by one with other keys; reload", target_.plugin));

  for (const std::string& name : target_.groups) {
    groups_.try_emplace(name, name, loop_, target_);
  }
  if (dry_run_ && !tells_dry_run(*plugin_)) {
    log::warning(fmt::format("plugin {} knows no dry run and is left out of it", plugin_->name),
                 {.target = target_.name});
    return {};
  }
  services_ = std::make_unique<HostServices>(
      loop_, session_, target_.name,
      HostServices::Handlers{
          .on_complete = [this](vr_request* request, vr_outcome outcome,
                                const std::string& reason) { completed(request, outcome, reason); },
          .on_changed = [this](const char* group) { changed(group); }});
  std::array<char, 1024> error{};
  instance_ = plugin_->create(services_->get(), TargetView(target_, dry_run_).get(), error.data(),
                              error.size());
  if (instance_ == nullptr) {
    error.back() = '\0';
    return Error(fmt::format("plugin {}: {}", plugin_->name,
                             error[0] != '\0' ? error.data() : "no reason given"));
  }
  log::info(fmt::format("plugin {} {} serves this target", plugin_->name, plugin_->version),
            {.target = target_.name});
  return {};
}

void Labeler::arrived(const Topology& topology, uint64_t generation, uint64_t revision) {
  const auto found = groups_.find(topology.group);
  if (found == groups_.end()) return;
  Group& group = found->second;
  if (group.request) {
    group.next = std::make_unique<Arrived>(Arrived{topology, generation, revision});
  } else {
    group.next.reset();
    group.shown.show(topology, generation, revision);
  }
  follow(group, group.assignment.arrived(revision, !group.shown.topology().leads_as(topology)));
}

std::string Labeler::review() {
  const bool can = plugin_->check != nullptr;
  if (can) plugin_->check(instance_);
  return fmt::format(R"({{"checks":{}}})", can);
}

void Labeler::follow(Group& group, const Step& step) {
  switch (step.kind) {
    case Step::Kind::nothing:
      break;
    case Step::Kind::apply:
      apply(group);
      break;
    case Step::Kind::cancel:
      // Completed a moment ago: what follows is done on the next turn, with the newest topology.
      if (!group.request) break;
      group.deadline.start(cancel_grace_ms,
                           [this] { give_up("did not complete a cancelled request"); });
      plugin_->cancel(instance_, group.request.get());
      break;
    case Step::Kind::wait:
      group.retry.start(static_cast<uint64_t>(step.wait_ms),
                        [this, &group] { follow(group, group.assignment.due()); });
      break;
  }
}

void Labeler::apply(Group& group) {
  group.retry.stop();
  if (const auto next = std::exchange(group.next, nullptr))
    group.shown.show(next->topology, next->generation, next->revision);
  group.request = std::make_unique<vr_request>(vr_request{group.name});
  group.overdue = false;
  group.deadline.start(static_cast<uint64_t>(target_.deadline), [this, &group] { overdue(group); });
  if (instance_ == nullptr) {
    return completed(
        group.request.get(), VR_REJECTED,
        fmt::format("dry run: plugin {} can't say what it would change", plugin_->name));
  }
  plugin_->apply(instance_, group.shown.get(), group.request.get());
}

void Labeler::overdue(Group& group) {
  log::warning(fmt::format("plugin {} was not done within {} ms", target_.plugin, target_.deadline),
               {.group = group.name, .target = target_.name});
  group.overdue = true;
  follow(group, group.assignment.overdue());
}

void Labeler::ordered(const std::string& group, const ipc::Order& order) {
  orders_.begin(*plugin_, instance_, group, order, dry_run_);
}

void Labeler::completed(vr_request* request, vr_outcome outcome, const std::string& reason) {
  auto kind = outcome >= VR_APPLIED && outcome <= VR_CANCELLED
                  ? static_cast<ipc::OutcomeKind>(outcome)
                  : ipc::OutcomeKind::retry;
  if (orders_.completed(request, kind, reason)) return later([this] { finish_if_idle(); });
  for (auto& [name, group] : groups_) {
    if (group.request.get() != request || request == nullptr) continue;
    if (kind == ipc::OutcomeKind::cancelled && group.overdue) {
      // Nobody has changed his mind: it failed.
      kind = ipc::OutcomeKind::retry;
      report(group, kind,
             fmt::format("not done within {} ms{}{}", target_.deadline, reason.empty() ? "" : ": ",
                         reason));
    } else {
      report(group, kind, reason);
    }
    group.request.reset();
    group.deadline.stop();
    later([this, &group = group, kind] {
      follow(group, group.assignment.completed(kind, random_number()));
      finish_if_idle();
    });
    return;
  }
  give_up("completed a request that is not open (twice?)");
}

void Labeler::report(Group& group, ipc::OutcomeKind kind, const std::string& reason) {
  const vr_topology& view = *group.shown.get();
  const Topology& topology = group.shown.topology();
  session_.outcome(
      group.name, view.revision,
      {kind, reason, topology.event_mono_ns, uv_hrtime(), topology.decision, topology.primary});

  log::Fields about{.group = group.name,
                    .target = target_.name,
                    .epoch = topology.decision.epoch,
                    .revision = view.revision};
  const std::string said = std::exchange(group.said, reason);
  if (dry_run_ && reason.starts_with("dry run: ")) {
    if (said != reason) log::info(reason, about);
    return;
  }
  const bool failed = kind == ipc::OutcomeKind::retry || kind == ipc::OutcomeKind::rejected;
  if (failed) {
    about.error = reason;
    log::warning(
        kind == ipc::OutcomeKind::retry ? "not applied yet, it is tried again" : "not applied",
        about);
  }
  if (kind == ipc::OutcomeKind::applied) {
    const std::string primary = to_string(topology.primary);
    const std::string what =
        topology.state == PrimaryState::known
            ? fmt::format("in sync with primary {}", primary)
            : fmt::format("in sync: {} is suspected and not published", primary);
    log::write(group.failed ? log::Level::info : log::Level::debug, what, about);
  }
  group.failed = failed;
}

void Labeler::changed(const char* name) {
  const std::string only = name == nullptr ? std::string() : std::string(name);
  later([this, only] {
    for (auto& [group_name, group] : groups_) {
      if (only.empty() || only == group_name) follow(group, group.assignment.changed());
    }
  });
}

void Labeler::later(std::function<void()> work) {
  next_turn_.push_back(std::move(work));
  if (turn_.active()) return;
  turn_.start(0, [this] {
    for (const auto& now : std::exchange(next_turn_, {})) now();
  });
}

void Labeler::stop(std::function<void()> finished) {
  finished_ = std::move(finished);
  grace_.start(stop_grace_ms, [this] {
    log::warning("stopped with a request still open", {.target = target_.name});
    log::write_all_counts();
    ::_exit(EX_OK);
  });
  for (auto& [name, group] : groups_) follow(group, group.assignment.stop());
  orders_.cancel_all();
  finish_if_idle();
}

void Labeler::finish_if_idle() {
  if (!finished_ || !orders_.idle()) return;
  for (const auto& [name, group] : groups_) {
    if (group.assignment.open()) return;
  }
  grace_.stop();
  std::exchange(finished_, nullptr)();
}

void Labeler::give_up(const std::string& why) {
  log::error(
      fmt::format("plugin {} {}: this labeler ends, to be started anew", target_.plugin, why),
      {.target = target_.name});
  log::write_all_counts();
  ::_exit(EX_SOFTWARE);
}

}  // namespace reconciler::labeler
