#include "plugins/file/file_target.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

namespace reconciler::file {

namespace {

constexpr const char* not_watched_id = "not-watched";
constexpr uint64_t watch_again_ms = 30'000;

int64_t unix_us() {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_usec;
}

// `host port`, as Held has it.
std::optional<Endpoint> endpoint_in(const std::string& text) {
  const std::size_t space = text.rfind(' ');
  if (space == std::string::npos) return std::nullopt;
  return Endpoint{text.substr(0, space),
                  static_cast<uint16_t>(std::strtoul(text.c_str() + space, nullptr, 10))};
}

std::string named(const vr_topology& topology) {
  const std::string primary = to_string(Endpoint{topology.primary->host, topology.primary->port});
  return topology.state == VR_PRIMARY_KNOWN ? "primary " + primary
                                            : "no primary: " + primary + " is suspected";
}

}  // namespace

FileTarget::FileTarget(Host host, Settings settings)
    : host_(host),
      settings_(std::move(settings)),
      done_watch_(host),
      folder_watch_(host),
      watch_again_(host) {
  for (const std::string& group : settings_.groups) {
    groups_by_file_.emplace(file_name(settings_.form, group), group);
  }
}

FileTarget::~FileTarget() {
  for (auto& [request, job] : jobs_) {
    if (job.thread.joinable()) job.thread.join();
  }
}

Result<void> FileTarget::start() {
  done_event_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!done_event_.valid()) return system_error("eventfd", "");
  if (!done_watch_.start(done_event_.get(), VR_READABLE, [this](uint32_t) { on_done(); })) {
    return Error("descriptors can't be watched");
  }
  if (!settings_.dry_run) remove_leftovers();
  watch_folder();
  return {};
}

// Of writers that were killed in the midst of it, long ago.
void FileTarget::remove_leftovers() const {
  constexpr time_t old_s = 60;
  DIR* folder = ::opendir(settings_.folder.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    const auto is_of = [&](const auto& group) { return name.starts_with("." + group.first + "."); };
    if (!name.ends_with(".new") ||
        !std::any_of(groups_by_file_.begin(), groups_by_file_.end(), is_of)) {
      continue;
    }
    struct stat status {};
    const std::string path = settings_.folder + "/" + entry->d_name;
    if (::stat(path.c_str(), &status) == 0 && ::time(nullptr) - status.st_mtime > old_s) {
      ::unlink(path.c_str());
    }
  }
  ::closedir(folder);
}

void FileTarget::apply(const vr_topology& topology, vr_request* request) {
  if (!watching_folder_) watch_folder();
  Job& job = jobs_[request];
  job.request = request;
  job.topology = topology;
  job.told = {topology.era, topology.epoch, topology.step};
  const Decision counted = ahead_[topology.group].of(job.told);
  job.topology.era = counted.era;
  job.topology.step = counted.step;
  job.path = settings_.folder + "/" + file_name(settings_.form, topology.group);
  if (writing_.take(job)) start_writing(job);
}

void FileTarget::start_writing(Job& job) {
  job.thread = std::thread([this, &job, done = done_event_.get()] {
    work(job);
    job.done = true;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(done, &one, sizeof one);
  });
}

void FileTarget::cancel(vr_request* request) {
  const auto found = jobs_.find(request);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  job.cancelled = true;
  if (job.command) return job.command->cancel();
  if (!writing_.forget(job) && !commanding_.forget(job)) return;
  job.outcome = VR_CANCELLED;
  job.reason = "cancelled before its turn came";
  finish(job);
}

void FileTarget::work(Job& job) const {
  auto found = read_file(job.path, settings_.access);
  if (!found) {
    job.outcome = VR_RETRY;
    job.reason = found.error().message();
    return;
  }
  if (*found) {
    const std::string& text = (*found)->text;
    const auto held = read_held(settings_.form, text);
    const auto place = held ? placed(*held, job.topology) : std::nullopt;
    if (held) job.held_primary = endpoint_in(held->primary);
    if (place) {
      if (held->decision.step > job.topology.step && place->step > held->decision.step) {
        job.note = fmt::format(
            "{} holds step {} of epoch {} from an earlier run of the program; step {} goes above "
            "it",
            job.path, held->decision.step, held->decision.epoch, place->step);
      }
      job.topology.era = place->era;
      job.topology.step = place->step;
    }
    if ((*found)->access_is_right && says(settings_.form, text, job.topology)) {
      job.outcome = VR_APPLIED;
      return;
    }
    if (!held) {
      job.note = fmt::format("{} was not written by this program and is replaced: {}", job.path,
                             held.error().message());
    } else if (!place) {
      job.outcome = VR_REJECTED;
      job.reason = fmt::format(
          "{} holds a higher decision: epoch {} (era {}, step {}); where Sentinel was set up anew, "
          "remove the file",
          job.path, held->decision.epoch, held->decision.era, held->decision.step);
      return;
    }
  }
  replace(job);
}

void FileTarget::replace(Job& job) const {
  const auto text = render(settings_.form, job.topology, unix_us());
  if (!text) {
    job.outcome = VR_REJECTED;
    job.reason = text.error().within(job.path).message();
    return;
  }
  if (settings_.dry_run) {
    job.outcome = VR_REJECTED;
    job.reason = fmt::format("dry run: would write {}: {}", job.path, named(job.topology));
    return;
  }
  if (auto replaced = replace_file(job.path, *text, settings_.access); !replaced) {
    job.outcome = VR_RETRY;
    job.reason = replaced.error().message();
    return;
  }
  job.outcome = VR_APPLIED;
  job.written = true;
}

void FileTarget::on_done() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(done_event_.get(), &count, sizeof count);
  for (auto next = jobs_.begin(); next != jobs_.end();) {
    Job& job = (next++)->second;
    if (!job.done || !job.thread.joinable()) continue;
    job.thread.join();
    if (Job* waiting = writing_.give_back()) start_writing(*waiting);
    note(job);
    if (job.outcome == VR_APPLIED && !settings_.command.empty() &&
        !commanded_.contains(job.topology.group)) {
      run_command(job);
    } else {
      finish(job);
    }
  }
}

// What the file has taught, and a line in the log.
void FileTarget::note(const Job& job) {
  const vr_topology& topology = job.topology;
  ahead_[topology.group].learn(job.told, {topology.era, topology.epoch, topology.step});
  exec::Succession& published = published_[topology.group];
  if (job.held_primary) published.follow(*job.held_primary);
  if (!job.note.empty() && !settings_.dry_run)
    host_.log(VR_WARNING, topology.group, "{}", job.note);
  if (!job.written) return;
  commanded_.erase(topology.group);
  const Endpoint primary{topology.primary->host, topology.primary->port};
  if (topology.state == VR_PRIMARY_KNOWN) published.follow(primary);
  host_.log(VR_INFO, topology.group, "{} names {} (epoch {})", job.path, named(topology),
            topology.epoch);
}

void FileTarget::finish(Job& job) {
  const auto node = jobs_.extract(job.request);
  host_.complete(job.request, job.outcome, job.reason);
}

void FileTarget::run_command(Job& job) {
  if (job.cancelled) {
    job.outcome = VR_CANCELLED;
    return finish(job);
  }
  if (settings_.dry_run) {
    job.outcome = VR_REJECTED;
    job.reason = fmt::format("dry run: would run {}", settings_.command.front());
    return finish(job);
  }
  if (commanding_.take(job)) start_command(job);
}

void FileTarget::start_command(Job& job) {
  const vr_instance& primary = *job.topology.primary;
  const exec::Told told{settings_.target, job.topology,
                        published_[job.topology.group].before({primary.host, primary.port})};
  exec::ProgramPlan plan{job.topology.group, settings_.command, exec::environment_of(told),
                         exec::input_of(told), settings_.deadline_ms};
  plan.environment.push_back("VR_FILE=" + job.path);
  vr_request* request = job.request;
  job.command = std::make_unique<exec::Program>(
      host_, std::move(plan),
      [this, request](const exec::ProgramEnd& end) { command_ended(request, end); });
  if (auto started = job.command->start(); !started) {
    command_ended(request, {-1, false, started.error().message()});
  }
}

void FileTarget::command_ended(vr_request* request, const exec::ProgramEnd& end) {
  Job& job = jobs_.at(request);
  if (end.exit_status == 0) {
    commanded_.insert(job.topology.group);
    host_.log(VR_DEBUG, job.topology.group, "{}", end.what);
  } else {
    job.outcome = job.cancelled ? VR_CANCELLED : VR_RETRY;
    job.reason = end.what;
  }
  finish(job);
  if (Job* waiting = commanding_.give_back()) start_command(*waiting);
}

void FileTarget::watch_folder() {
  constexpr uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  watch_again_.start(watch_again_ms, [this] { watch_folder(); });  // unless it succeeds now
  if (!inotify_.valid()) {
    inotify_ = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_.valid()) return not_watched(std::strerror(errno));
    if (!folder_watch_.start(inotify_.get(), VR_READABLE,
                             [this](uint32_t) { on_folder_changed(); })) {
      inotify_.reset();
      return not_watched("its descriptor can't be watched");
    }
  }
  watching_folder_ = ::inotify_add_watch(inotify_.get(), settings_.folder.c_str(), events) >= 0;
  if (!watching_folder_) {
    // Where it is not there, writing says so.
    if (errno != ENOENT && errno != ENOTDIR) not_watched(std::strerror(errno));
    return;
  }
  watch_again_.stop();
  if (!std::exchange(told_not_watched_, false)) return;
  host_.clear_problem({}, not_watched_id);
  host_.log(VR_INFO, {}, "{} is watched again", settings_.folder);
  host_.changed({});  // who knows what was missed
}

// The files are written all the same; what somebody else does to them is seen later. Mostly the machine's users have more
// watches than fs.inotify allows.
void FileTarget::not_watched(const std::string& why) {
  const std::string what =
      fmt::format("{} can't be watched: {}; a change by others is not seen", settings_.folder, why);
  if (!std::exchange(told_not_watched_, true)) host_.log(VR_WARNING, {}, "{}", what);
  host_.set_degraded({}, not_watched_id, what);
}

void FileTarget::on_folder_changed() {
  alignas(inotify_event) std::array<char, 8192> buffer{};
  while (true) {
    const ssize_t n = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (n <= 0) return;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW)) != 0) {
        watching_folder_ = false;
        host_.changed({});
        continue;
      }
      const auto found = event->len > 0 ? groups_by_file_.find(event->name) : groups_by_file_.end();
      if (found != groups_by_file_.end()) host_.changed(found->second);
    }
  }
}

}  // namespace reconciler::file
