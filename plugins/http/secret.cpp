#include "plugins/http/secret.h"

#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "plugins/settings.h"

namespace reconciler {

namespace {

constexpr size_t largest_file = 4096;

}  // namespace

Result<Secret> Secret::of(const vr_target& target, const std::string& name) {
  Secret secret;
  secret.path_ = text_setting(target, name + "_file");
  secret.text_ = text_setting(target, name);
  if (!secret.path_.empty()) {
    if (!secret.text_.empty())
      return Error(fmt::format("{0} and {0}_file: only one of them", name));
    Result<std::string> text = secret.read();
    if (!text) return text.error().within(name + "_file");
    secret.text_ = std::move(*text);
  }
  // Most go into a header, of which a line end would make two.
  if (secret.text_.find_first_of("\r\n") != std::string::npos) {
    return Error(fmt::format("{}: has several lines", name));
  }
  return secret;
}

const std::string& Secret::now() {
  if (path_.empty()) return text_;
  if (Result<std::string> text = read()) text_ = std::move(*text);
  return text_;
}

Result<std::string> Secret::read() const {
  std::ifstream file(path_, std::ios::binary);
  std::string text(largest_file + 1, '\0');
  file.read(text.data(), largest_file + 1);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > largest_file) {
    return Error(fmt::format("{} has more than {} bytes", path_, largest_file));
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Error(fmt::format("{} can't be read, or is empty", path_));
  if (text.find_first_of("\r\n") != std::string::npos) {
    return Error(fmt::format("{} has several lines", path_));
  }
  return text;
}

}  // namespace reconciler
