#include "supervisor/sentinel_watcher/credentials.h"

#include "supervisor/sentinel_watcher/small_file.h"

namespace reconciler {

namespace {

constexpr std::size_t max_password_size = 64 * 1024;

}  // namespace

std::string_view without_last_newline(std::string_view contents) {
  if (!contents.ends_with('\n')) return contents;
  contents.remove_suffix(1);
  if (contents.ends_with('\r')) contents.remove_suffix(1);
  return contents;
}

Result<std::string> read_password_file(const std::string& path) {
  const auto contents = read_small_file(path, max_password_size);
  if (!contents) return contents.error().within("read password file " + path);
  return std::string(without_last_newline(*contents));
}

}  // namespace reconciler
