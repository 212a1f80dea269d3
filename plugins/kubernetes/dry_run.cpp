#include "plugins/kubernetes/dry_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace reconciler {

namespace {

// Whoever has hundreds of pods is not helped by all their names.
constexpr size_t most_named = 10;

std::string named(const std::vector<std::string>& names, std::string_view pod_namespace) {
  std::vector<std::string> told;
  for (size_t i = 0; i < std::min(names.size(), most_named); ++i) {
    told.push_back(fmt::format("{}/{}", pod_namespace, names[i]));
  }
  const size_t more = names.size() - told.size();
  return fmt::format("{} {}{}", names.size() == 1 ? "pod" : "pods", fmt::join(told, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace

std::string in_words(const Plan& plan, const LabelRule& rule, std::string_view pod_namespace) {
  std::vector<std::string> labelled;
  std::vector<std::string> others;
  for (const Pod* pod : plan.fences) {
    (pod->carries(rule) ? labelled : others).push_back(pod->name);
  }
  std::vector<std::string> parts;
  if (!labelled.empty()) {
    parts.push_back(
        fmt::format("take the label {} off {}", rule.name, named(labelled, pod_namespace)));
  }
  if (!others.empty()) parts.push_back("fence " + named(others, pod_namespace));
  if (plan.promote != nullptr) {
    parts.push_back(fmt::format("label {} {}={}", named({plan.promote->name}, pod_namespace),
                                rule.name, rule.value));
  }
  return fmt::format("{}", fmt::join(parts, ", then "));
}

std::string in_words(const std::vector<Relabelling>& relabellings, const LabelRule& rule,
                     std::string_view pod_namespace) {
  std::vector<std::string> parts;
  for (const bool is_replica : {true, false}) {
    std::vector<std::string> names;
    for (const Relabelling& relabelling : relabellings) {
      if (relabelling.is_replica == is_replica) names.push_back(relabelling.pod->name);
    }
    if (names.empty()) continue;
    const auto value = rule.replica.value_for(is_replica);
    parts.push_back(value ? fmt::format("label {} {}={}", named(names, pod_namespace),
                                        rule.replica.name, *value)
                          : fmt::format("take the label {} off {}", rule.replica.name,
                                        named(names, pod_namespace)));
  }
  return fmt::format("{}", fmt::join(parts, ", and "));
}

}  // namespace reconciler
