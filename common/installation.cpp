#include "common/installation.h"

#include <limits.h>
#include <unistd.h>

#include <array>

#include "common/result.h"

namespace reconciler::installation {

namespace {

// The prefix: the running executable's path less the folder that this kind of executable is
// installed in.
std::string prefix() {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  if (size <= 0) abort_with("/proc/self/exe can't be read");
  std::string path(buffer.data(), static_cast<std::size_t>(size));
  path.erase(path.rfind('/'));
  for (const std::string place : {RECONCILER_CHILDREN_DIR, RECONCILER_BIN_DIR}) {
    if (path.size() > place.size() && path.ends_with("/" + place)) {
      return path.substr(0, path.size() - place.size() - 1);
    }
  }
  return path;
}

}  // namespace

std::string watcher_executable() {
  return prefix() + "/" RECONCILER_CHILDREN_DIR "/sentinel-watcher";
}

std::string labeler_executable() { return prefix() + "/" RECONCILER_CHILDREN_DIR "/labeler"; }

std::string plugins_folder() { return prefix() + "/" RECONCILER_PLUGINS_DIR; }

}  // namespace reconciler::installation
