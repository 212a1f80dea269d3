#include "plugins/kubernetes/survey.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "plugins/kubernetes/rights_needed.h"
#include "plugins/kubernetes/selection.h"

namespace reconciler {

namespace {

constexpr size_t most_names = 5;

std::string names_of(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), most_names);
  std::string text = fmt::format("{}", fmt::join(names.data(), names.data() + shown, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

std::string matches_message(const std::string& selector, const std::vector<Pod>& pods,
                            const std::string& pod_namespace) {
  if (pods.empty())
    return fmt::format("selector {} matches no pod in namespace {}", selector, pod_namespace);
  std::vector<std::string> names;
  names.reserve(pods.size());
  for (const Pod& pod : pods) names.push_back(pod.name);
  return fmt::format("selector {} matches {} pod{} in namespace {}: {}", selector, pods.size(),
                     pods.size() == 1 ? "" : "s", pod_namespace, names_of(names));
}

std::string selected_message(const LabelRule& rule, const std::vector<Service>& services,
                             const std::string& pod_namespace) {
  std::vector<std::string> names;
  for (const Service& service : services) {
    const auto label = service.selector.find(rule.name);
    if (label != service.selector.end() && label->second == rule.value)
      names.push_back(service.name);
  }
  const std::string label = fmt::format("label {}={}", rule.name, rule.value);
  if (names.empty())
    return fmt::format("{} is selected by no Service in namespace {}", label, pod_namespace);
  return fmt::format("{} is selected by Service {}", label, names_of(names));
}

Survey::Survey(Host host, ApiClient& api, const Settings& settings)
    : host_(host), api_(api), settings_(settings) {}

void Survey::make() {
  if (ended_) return;
  for (const Settings::Group& group : settings_.groups) list_pods(group);
  if (settings_.publish == Publish::label) look_for_services();
}

void Survey::end() {
  if (std::exchange(ended_, true)) return;
  for (const Settings::Group& group : settings_.groups)
    host_.clear_problem(group.name, "selector-matches");
  host_.clear_problem({}, "label-selected");
}

void Survey::list_pods(const Settings::Group& group) {
  const auto query = [&group] { return query_of(Selection{group.selector, {}}); };
  api_.list<Pod>(api_.pods(), query, [this, &group](const ListAnswer<Pod>& answer) {
    if (answer.error || ended_) return;
    const std::string message =
        matches_message(text_of(group.selector), answer.items, api_.pod_namespace());
    if (answer.items.empty()) {
      host_.set_blocking(group.name, "selector-matches", message);
    } else {
      host_.set_degraded(group.name, "selector-matches", message);
    }
  });
}

// It is no right that this program needs, but whoever checks may have it.
void Survey::look_for_services() {
  api_.review({"list", "", services_name.plural, false}, {}, [this](std::optional<bool> allowed) {
    if (!allowed || ended_) return;
    if (*allowed) return list_services();
    host_.set_degraded({}, "label-selected",
                       "whether a Service selects the label cannot be told without the right to "
                       "list services, which this program does not ask for");
  });
}

void Survey::list_services() {
  const Resource<Service> services{services_name, api_.path_of("", "", services_name.plural),
                                   read_service};
  api_.list<Service>(
      services, [] { return std::string(); },
      [this](const ListAnswer<Service>& answer) {
        if (answer.error || ended_) return;
        host_.set_degraded({}, "label-selected",
                           selected_message(api_.rule(), answer.items, api_.pod_namespace()));
      });
}

}  // namespace reconciler
