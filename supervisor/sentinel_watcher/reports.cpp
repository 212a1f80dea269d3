#include "supervisor/sentinel_watcher/reports.h"

#include <fmt/format.h>

#include <utility>

#include "common/ipc/child_session.h"
#include "common/log.h"

namespace reconciler {

namespace {

// More would help nobody, and a name may resolve to many addresses.
constexpr std::size_t shown_troubles = 8;

}  // namespace

std::string subject_of(const std::string& set, const Endpoint& sentinel) {
  return set + " " + to_string(sentinel);
}

void Reports::publish(const Topology& topology) { session_.publish(topology); }

void Reports::problem_set(const std::string& group, const std::string& id,
                          const std::string& message, ipc::Severity severity) {
  session_.problem_set(group, id, message, severity);
}

void Reports::problem_clear(const std::string& group, const std::string& id) {
  session_.problem_clear(group, id);
}

void Reports::count(const std::string& name, const std::string& label, const std::string& value) {
  session_.count(name, label, value, 1);
}

void Reports::count_no_more(const std::string& name, const std::string& label,
                            const std::string& value) {
  session_.count_no_more(name, label, value);
}

void Reports::gauges_changed() { session_.gauges_changed(); }

void Reports::trouble(const std::string& subject, const std::string& id,
                      const std::string& message) {
  auto& known = troubles_[subject];
  if (known == Trouble{id, message}) return;
  const std::string before = std::exchange(known.id, id);
  known.message = message;
  if (!before.empty() && before != id) show(before);
  show(id);
}

void Reports::logged_trouble(const std::string& subject, const std::string& id,
                             const std::string& message) {
  const Trouble* known = trouble_of(subject);
  if (known == nullptr || known->id != id) log::warning(message);
  trouble(subject, id, message);
}

void Reports::no_trouble(const std::string& subject) {
  const auto known = troubles_.find(subject);
  if (known == troubles_.end()) return;
  const std::string id = known->second.id;
  troubles_.erase(known);
  show(id);
}

const Reports::Trouble* Reports::trouble_of(const std::string& subject) const {
  const auto known = troubles_.find(subject);
  return known == troubles_.end() ? nullptr : &known->second;
}

void Reports::show(const std::string& id) {
  std::string text;
  std::size_t count = 0;
  for (const auto& [subject, trouble] : troubles_) {
    if (trouble.id != id || ++count > shown_troubles) continue;
    if (!text.empty()) text += "; ";
    text += trouble.message;
  }
  if (count == 0) return session_.problem_clear({}, id);
  if (count > shown_troubles) text += fmt::format("; and {} more", count - shown_troubles);
  session_.problem_set({}, id, text, ipc::Severity::degraded);
}

}  // namespace reconciler
