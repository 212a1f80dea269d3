#include "plugins/webhook/headers.h"

#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "plugins/settings.h"
#include "plugins/webhook/message.h"

namespace reconciler::webhook {

Result<Headers> Headers::of(const vr_target& target) {
  Headers made;
  made.headers_ = list_setting(target, "headers");
  made.shown_ = made.headers_.size();
  for (const std::string& header : made.headers_) {
    if (Result<void> checked = check_header(header); !checked) {
      return checked.error().within("headers");
    }
  }
  made.path_ = text_setting(target, "headers_file");
  if (made.path_.empty()) return made;
  if (Result<void> done = made.read(); !done) return done.error().within("headers_file");
  return made;
}

const std::vector<std::string>& Headers::now() {
  if (!path_.empty()) (void)read();
  return headers_;
}

std::vector<std::string> Headers::secret() const {
  return {headers_.begin() + static_cast<std::ptrdiff_t>(shown_), headers_.end()};
}

Result<void> Headers::read() {
  std::vector<std::string> all(headers_.begin(),
                               headers_.begin() + static_cast<std::ptrdiff_t>(shown_));
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (Result<void> checked = check_header(line); !checked) return checked;
    all.push_back(std::move(line));
  }
  if (!file.eof()) return Error(fmt::format("{} can't be read", path_));
  headers_ = std::move(all);
  return {};
}

}  // namespace reconciler::webhook
