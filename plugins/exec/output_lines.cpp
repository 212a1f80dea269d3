#include "plugins/exec/output_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reconciler::exec {

void OutputLines::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    // One byte above the bound tells that the line was cut off.
    const std::size_t room = longest_line + 1 - open_.size();
    open_.append(bytes.substr(0, std::min(end, room)));
    if (end == bytes.size()) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void OutputLines::finish() {
  if (!open_.empty()) end_line();
  if (left_out_ > 0) line_(fmt::format("({} more lines are left out)", left_out_));
}

void OutputLines::end_line() {
  if (open_.size() > longest_line) open_.replace(longest_line, 1, "...");
  if (!open_.empty()) {
    last_ = std::exchange(open_, {});
    if (++lines_ <= most_lines) {
      line_(last_);
    } else {
      ++left_out_;
    }
  }
}

}  // namespace reconciler::exec
