#include "common/log_repetition.h"

#include <algorithm>
#include <utility>

#include "common/shortened.h"

namespace reconciler::log {

namespace {

// Longer ones are cut in the log, too.
constexpr std::size_t longest_text = 1024;

std::string remembered_text(std::string_view text) {
  return std::string(shortened(text, longest_text));
}

}  // namespace

Line::Line(Level of_level, std::string_view of_message, const Fields& of_fields)
    : level(of_level),
      message(remembered_text(of_message)),
      group(remembered_text(of_fields.group)),
      target(remembered_text(of_fields.target)),
      error(remembered_text(of_fields.error)),
      epoch(of_fields.epoch),
      revision(of_fields.revision),
      pid(of_fields.pid) {}

Fields Line::fields() const {
  return {.group = group,
          .target = target,
          .epoch = epoch,
          .revision = revision,
          .pid = pid,
          .error = error};
}

bool Line::is_like(const Line& other) const {
  return level == other.level && message == other.message && target == other.target;
}

bool Line::repeats(const Line& other) const { return is_like(other) && group == other.group; }

std::size_t Repetition::groups_of(const Line& line) const {
  return static_cast<std::size_t>(
      std::count_if(remembered_.begin(), remembered_.end(),
                    [&](const Remembered& r) { return line.is_like(r.line); }));
}

std::list<Repetition::Remembered>::iterator Repetition::find(const Line& line) {
  return std::find_if(remembered_.begin(), remembered_.end(),
                      [&](const Remembered& r) { return line.repeats(r.line); });
}

bool Repetition::first(Line line, int64_t now_ms, std::vector<Repeated>& due) {
  due = this->due(now_ms);
  auto known = find(line);
  if (known == remembered_.end() && remembered_.size() == most_remembered &&
      groups_of(line) >= many_groups) {
    line.group.clear();
    known = find(line);
  }
  if (known != remembered_.end()) {
    known->line = std::move(line);
    std::vector<std::string>& causes = known->causes;
    const bool told = std::find(causes.begin(), causes.end(), known->line.error) != causes.end();
    if (!told && causes.size() < most_causes) {
      causes.push_back(known->line.error);
      return true;
    }
    ++known->count;
    return false;
  }
  if (remembered_.size() == most_remembered) {
    if (auto last = counted(remembered_.front(), now_ms)) due.push_back(std::move(*last));
    remembered_.pop_front();
  }
  const std::string cause = line.error;
  remembered_.push_back({std::move(line), now_ms, 0, {cause}});
  return true;
}

std::vector<Repeated> Repetition::due(int64_t now_ms) {
  std::vector<Repeated> over;
  while (!remembered_.empty() && now_ms - remembered_.front().since_ms >= window_ms) {
    if (auto last = counted(remembered_.front(), now_ms)) {
      over.push_back(std::move(*last));
      remembered_.front().since_ms = now_ms;
      remembered_.front().count = 0;
      remembered_.front().causes = {remembered_.front().line.error};
      remembered_.splice(remembered_.end(), remembered_, remembered_.begin());
    } else {
      remembered_.pop_front();
    }
  }
  return over;
}

std::vector<Repeated> Repetition::forget(int64_t now_ms) {
  std::vector<Repeated> all;
  for (Remembered& remembered : remembered_) {
    if (auto last = counted(remembered, now_ms)) all.push_back(std::move(*last));
  }
  remembered_.clear();
  return all;
}

std::optional<Repeated> Repetition::counted(Remembered& remembered, int64_t now_ms) {
  if (remembered.count == 0) return std::nullopt;
  return Repeated{remembered.line, remembered.count,
                  std::max<int64_t>(1, (now_ms - remembered.since_ms + 500) / 1'000)};
}

}  // namespace reconciler::log
