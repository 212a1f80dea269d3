#include "plugins/held_decision.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "plugins/count_ahead.h"

namespace reconciler {

namespace {

constexpr std::string_view version = "v1";
constexpr std::string_view words[] = {"suspected", "known"};

std::optional<std::string_view> part(std::string_view& text, char end) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view found = text.substr(0, at);
  text.remove_prefix(at + 1);
  return found;
}

template <typename Number>
bool read(std::optional<std::string_view> text, Number& into) {
  if (!text || text->empty()) return false;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), into);
  return error == std::errc() && end == text->data() + text->size();
}

Placed taken(bool is_ours, const Decision& decision) {
  return {is_ours ? Standing::ours : Standing::theirs, decision};
}

Placed in_time(bool patient, const Decision& decision) {
  return {patient ? Standing::ours : Standing::later, decision};
}

}  // namespace

std::string to_text(const HeldDecision& held) {
  return fmt::format("{}/{}.{}.{}/{}/{}", version, held.decision.era, held.decision.epoch,
                     held.decision.step, words[held.known ? 1 : 0], held.primary);
}

std::optional<HeldDecision> held_of_text(std::string_view text) {
  HeldDecision held;
  if (part(text, '/') != version) return std::nullopt;
  if (!read(part(text, '.'), held.decision.era) || !read(part(text, '.'), held.decision.epoch) ||
      !read(part(text, '/'), held.decision.step)) {
    return std::nullopt;
  }
  const std::optional<std::string_view> word = part(text, '/');
  if (!word || (*word != words[0] && *word != words[1]) || text.empty()) return std::nullopt;
  held.known = *word == words[1];
  held.primary = text;
  return held;
}

Placed placed(const HeldDecision& held, const HeldDecision& ours, bool patient) {
  const Decision& told = ours.decision;
  const Decision& known = held.decision;
  const bool same_era = known.era == told.era;
  const bool same_primary = held.primary == ours.primary;
  // The very decision, counted differently. Under another era a suspicion proves nothing: it may be an older one.
  if (known.epoch == told.epoch && known.settled() == told.settled() && same_primary &&
      held.known == ours.known && (same_era || ours.known)) {
    return taken(true, std::max(known, told));
  }
  if (known < told) return taken(true, told);
  if (known == told) {
    return taken(same_primary ? ours.known : ours.primary > held.primary, told);
  }
  // Lower by its era alone: a program that started anew after a reset of Sentinel.
  if (known.era > told.era && told.epoch > known.epoch) {
    return in_time(patient, {known.era, told.epoch, told.step});
  }
  if (same_era && known.epoch == told.epoch && !known.settled() && told.settled()) {
    if (const std::optional<Decision> next = above(known, true)) return in_time(patient, *next);
  }
  return taken(false, told);
}

}  // namespace reconciler
