#include "supervisor/reload_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/config/loading.h"
#include "common/log.h"
#include "supervisor/incarnation.h"

namespace reconciler {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

}  // namespace

FileText read_text(const std::string& path) {
  auto text = read_configuration_file(path);
  return text ? FileText{true, std::move(*text)} : FileText{false, text.error().message()};
}

FileWatch::FileWatch(uv_loop_t* loop, std::string path, FileText taken,
                     std::function<void()> on_news)
    : path_(std::move(path)),
      folder_path_(folder_of(path_).string()),
      name_(fs::path(path_).filename().string()),
      on_news_(std::move(on_news)),
      news_(std::move(taken), monotonic_ms(), {}),
      work_(loop),
      events_(loop),
      timer_(loop) {}

// What changed since the configuration was read is found by the first look.
void FileWatch::start() { look(); }

void FileWatch::look_at_once() {
  at_once_ = true;
  look();
}

FileWatch::Found FileWatch::look(const std::string& path) {
  Found found;
  struct stat status {};
  if (::stat(folder_of(path).c_str(), &status) == 0)
    found.folder = {status.st_dev, status.st_ino, true};
  std::error_code none;
  found.link = fs::read_symlink(path, none).string();
  found.text = read_text(path);
  return found;
}

void FileWatch::look() {
  if (work_.running()) {
    news_.changed(monotonic_ms());
    return;
  }
  timer_.stop();
  news_.looking(monotonic_ms());
  work_.start([this] { found_ = look(path_); }, [this] { found(); });
}

void FileWatch::found() {
  link_ = std::move(found_.link);
  watch_folder(found_.folder);
  const bool asked = std::exchange(at_once_, false);
  const bool news = news_.found(std::move(found_.text), asked, monotonic_ms());
  wait();
  if (news) on_news_();
}

void FileWatch::watch_folder(const Folder& folder) {
  if (folder == watched_) return;
  watched_ = {};
  if (!folder.there) return;
  auto started = events_.start(folder_path_, [this](const std::string& changed) {
    if (!concerns_file(changed, name_, link_)) return;
    news_.changed(monotonic_ms());
    if (!work_.running()) wait();
  });
  if (started) {
    watched_ = folder;
    news_.changed(monotonic_ms());  // what changed just before it was watched
    told_ = false;
  } else if (!std::exchange(told_, true)) {
    log::warning("the configuration file is only looked at from time to time",
                 {.error = started.error().message()});
  }
}

void FileWatch::wait() {
  const int64_t left = std::max<int64_t>(0, news_.due() - monotonic_ms());
  timer_.start(static_cast<uint64_t>(left), [this] { look(); });
}

}  // namespace reconciler
