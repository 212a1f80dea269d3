#include "plugins/file/file_target.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>

#include "plugins/file/document.h"

namespace reconciler::file {

namespace {

// A file of ours is far smaller; what is larger is somebody else's.
constexpr std::size_t max_document_size = 8 * 1024 * 1024;

Error system_error(std::string_view doing, const std::string& path) {
  return Error(fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// nullopt: there is no such file.
Result<std::optional<std::string>> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return system_error("open", path);
  }
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path);
    if (n == 0) return std::optional<std::string>(std::move(text));
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > max_document_size)
      return Error(fmt::format("read {}: larger than any file of ours", path));
  }
}

// The new content is on the disk before it takes the old one's name, and the name before this
// returns.
Result<void> replace_file(const std::string& path, const std::string& text) {
  const std::string folder = folder_of(path);
  // A labeler that is being replaced may write at the same moment: each has a name of its own.
  const std::string temporary =
      fmt::format("{}/.{}.{}.new", folder, path.substr(folder.size() + 1), ::getpid());
  ::unlink(temporary.c_str());
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return system_error("create", temporary);
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(file.get(), text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = system_error("write", temporary);
      ::unlink(temporary.c_str());
      return error;
    }
    written += static_cast<std::size_t>(n);
  }
  if (::fsync(file.get()) != 0) return system_error("sync", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = system_error("replace", path);
    ::unlink(temporary.c_str());
    return error;
  }
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return system_error("sync", folder);
  return {};
}

int64_t unix_us() {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_usec;
}

const char* text_setting(const vr_target& target, std::string_view name) {
  for (std::size_t i = 0; i < target.setting_count; ++i) {
    if (name == target.settings[i]->name) return target.settings[i]->string;
  }
  return "";
}

}  // namespace

FileTarget::FileTarget(const vr_host& host, const vr_target& target)
    : host_(host), folder_(text_setting(target, "directory")) {
  while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  for (std::size_t i = 0; i < target.group_count; ++i) {
    groups_by_file_.emplace(file_name(target.groups[i]), target.groups[i]);
  }
}

FileTarget::~FileTarget() {
  for (auto& [request, job] : jobs_) job.thread.join();
  if (done_watch_ != nullptr) host_.watch_stop(host_.context, done_watch_);
  if (folder_watch_ != nullptr) host_.watch_stop(host_.context, folder_watch_);
}

Result<void> FileTarget::start() {
  done_event_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  inotify_ = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!done_event_.valid()) return system_error("eventfd", "");
  if (!inotify_.valid()) return system_error("inotify", "");
  const auto add = [this](int fd, void (*ready)(void*, uint32_t)) {
    return host_.watch_start(host_.context, fd, VR_READABLE, ready, this);
  };
  done_watch_ = add(done_event_.get(),
                    [](void* self, uint32_t) { static_cast<FileTarget*>(self)->on_done(); });
  folder_watch_ = add(inotify_.get(), [](void* self, uint32_t) {
    static_cast<FileTarget*>(self)->on_folder_changed();
  });
  if (done_watch_ == nullptr || folder_watch_ == nullptr)
    return Error("descriptors can't be watched");
  remove_leftovers();
  watch_folder();
  return {};
}

// Of writers that were killed in the midst of it, long ago.
void FileTarget::remove_leftovers() const {
  constexpr time_t old_s = 60;
  DIR* folder = ::opendir(folder_.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    const auto is_of = [&](const auto& group) { return name.starts_with("." + group.first + "."); };
    if (!name.ends_with(".new") ||
        !std::any_of(groups_by_file_.begin(), groups_by_file_.end(), is_of)) {
      continue;
    }
    struct stat status {};
    const std::string path = folder_ + "/" + entry->d_name;
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
  job.path = folder_ + "/" + file_name(topology.group);
  job.thread = std::thread([&job, done = done_event_.get()] {
    work(job);
    job.done = true;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(done, &one, sizeof one);
  });
}

void FileTarget::work(Job& job) {
  auto text = read_file(job.path);
  if (text && *text) {
    const auto held = read_held(**text);
    const auto place = held ? placed(*held, job.topology) : std::nullopt;
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
    if (says(**text, job.topology)) {
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
  if (auto replaced = replace_file(job.path, render(job.topology, unix_us())); !replaced) {
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
    const auto current = next++;
    if (!current->second.done) continue;
    current->second.thread.join();
    const auto node = jobs_.extract(current);
    const Job& job = node.mapped();
    const char* group = job.topology.group;
    ahead_[group].learn(job.told, {job.topology.era, job.topology.epoch, job.topology.step});
    if (!job.note.empty()) host_.log(host_.context, VR_WARNING, group, job.note.c_str());
    if (job.written) {
      const vr_instance& primary = *job.topology.primary;
      const std::string named = fmt::format("{}:{}", primary.host, primary.port);
      const std::string line = fmt::format("{} names {} (epoch {})", job.path,
                                           job.topology.state == VR_PRIMARY_KNOWN
                                               ? "primary " + named
                                               : "no primary: " + named + " is suspected",
                                           job.topology.epoch);
      host_.log(host_.context, VR_INFO, group, line.c_str());
    }
    host_.complete(host_.context, job.request, job.outcome, job.reason.c_str());
  }
}

void FileTarget::watch_folder() {
  constexpr uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  watching_folder_ = ::inotify_add_watch(inotify_.get(), folder_.c_str(), events) >= 0;
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
        host_.changed(host_.context, nullptr);
        continue;
      }
      const auto found = event->len > 0 ? groups_by_file_.find(event->name) : groups_by_file_.end();
      if (found != groups_by_file_.end()) host_.changed(host_.context, found->second.c_str());
    }
  }
}

}  // namespace reconciler::file
