#include "plugins/kubernetes/shared_watches.h"

#include <algorithm>
#include <utility>

namespace reconciler {

namespace {

constexpr uint64_t discover_again_ms = 1000;

// Who publishes through a Service reads it, and nobody else.
void drop_what_services_need(Pod& pod) {
  pod.labels = std::vector<Pod::Label>();
  pod.named_ports = std::vector<NamedPort>();
}

std::vector<std::string> services_of(const Settings::Group& group) {
  std::vector<std::string> names{group.service};
  if (!group.replica_service.empty()) names.push_back(group.replica_service);
  return names;
}

Selection slices_of(const Settings::Group& group) {
  std::vector<std::string> names = services_of(group);
  std::sort(names.begin(), names.end());
  return {{{{service_name_label, LabelTerm::Kind::one_of, std::move(names)}}}, {}};
}

}  // namespace

SharedWatches::SharedWatches(Host host, ApiClient& api, const Settings& settings)
    : host_(host), api_(api), settings_(settings), discover_again_(host) {
  watch_pods();
  if (settings.publish != Publish::label) watch_services();
  if (settings.publish == Publish::endpointslice) watch_slices();
}

template <typename Item>
std::vector<ObjectView<Item>> SharedWatches::watch(Watches<Item>& watches,
                                                   const Resource<Item>& resource,
                                                   const std::vector<Part>& parts, bool together,
                                                   typename ObjectWatch<Item>::Options options) {
  options.poll_ms = settings_.poll_ms;
  options.resync_ms = settings_.resync_ms;
  std::vector<ObjectView<Item>> views;
  if (!together || parts.size() == 1) {
    for (const Part& part : parts) {
      watches.push_back(std::make_unique<ObjectWatch<Item>>(
          host_, api_, part.group, resource, std::vector<Selection>{part.selection}, options));
      views.emplace_back(*watches.back(), 0);
    }
    return views;
  }
  std::vector<Selection> selections;
  selections.reserve(parts.size());
  for (const Part& part : parts) selections.push_back(part.selection);
  watches.push_back(std::make_unique<ObjectWatch<Item>>(host_, api_, std::string(), resource,
                                                        std::move(selections), options));
  for (size_t i = 0; i < parts.size(); ++i) views.emplace_back(*watches.back(), i);
  return views;
}

// Each by its own where a query for all would be one for the whole namespace, whoever's pods are in it.
void SharedWatches::watch_pods() {
  Resource<Pod> resource = api_.pods();
  if (settings_.publish == Publish::label) resource.trim = drop_what_services_need;
  std::vector<Part> parts;
  std::vector<Selection> selections;
  for (const Settings::Group& group : settings_.groups) {
    selections.push_back({group.selector, {}});
    parts.push_back({group.name, selections.back()});
  }
  pods_ = watch<Pod>(pod_watches_, resource, parts, !query_of(selections).empty(),
                     {.needed = settings_.publish != Publish::endpointslice});
}

// The one of a group by its name. There is no query for several names, so that is for all Services of the namespace, which
// are few, and change seldom.
void SharedWatches::watch_services() {
  std::vector<Part> parts;
  for (const Settings::Group& group : settings_.groups) {
    for (const std::string& name : services_of(group)) parts.push_back({group.name, {{}, name}});
  }
  services_ = watch<Service>(
      service_watches_, {services_name, api_.path_of("", "", services_name.plural), read_service},
      parts, settings_.groups.size() > 1, {});
}

void SharedWatches::watch_slices() {
  std::vector<Part> parts;
  for (const Settings::Group& group : settings_.groups) {
    parts.push_back({group.name, slices_of(group)});
  }
  const auto failed = [this](const ApiError& error) {
    if (error.code == 404) discover_again_.start(discover_again_ms, [this] { discover_slices(); });
  };
  slices_ = watch<Slice>(slice_watches_, slices_of_version(), parts, true, {.failed = failed});
}

std::vector<ObjectView<Service>> SharedWatches::services(size_t group) const {
  const size_t each = services_.size() / settings_.groups.size();
  const auto first = services_.begin() + static_cast<std::ptrdiff_t>(group * each);
  return {first, first + static_cast<std::ptrdiff_t>(each)};
}

void SharedWatches::start() {
  for (const auto& services : service_watches_) services->start();
  for (const auto& pods : pod_watches_) pods->start();
  if (!slice_watches_.empty()) discover_slices();
}

Resource<Slice> SharedWatches::slices_of_version() const {
  return {slices_name, api_.path_of(slices_name.group, text_of(slice_version_), slices_name.plural),
          read_slice};
}

// Which version of EndpointSlices the server has. It is asked again where that is not there any more.
void SharedWatches::discover_slices() {
  api_.discover(slices_name.group, [this](const std::optional<ApiError>& error,
                                          const std::vector<std::string>& versions) {
    if (error) {
      for (const auto& slices : slice_watches_) slices->not_begun(*error);
      discover_again_.start(discover_again_ms, [this] { discover_slices(); });
      return;
    }
    const bool has_v1 = std::find(versions.begin(), versions.end(), "v1") != versions.end();
    slice_version_ = has_v1 ? SliceVersion::v1 : SliceVersion::v1beta1;
    const bool found_before = std::exchange(slices_found_, true);
    for (const auto& slices : slice_watches_) {
      slices->use(slices_of_version());
      if (!found_before) slices->start();
    }
  });
}

void SharedWatches::reconnect() {
  for (const auto& services : service_watches_) services->reconnect();
  for (const auto& slices : slice_watches_) slices->reconnect();
  for (const auto& pods : pod_watches_) pods->reconnect();
}

void SharedWatches::retry_now() {
  for (const auto& services : service_watches_) services->retry_now();
  for (const auto& slices : slice_watches_) slices->retry_now();
  for (const auto& pods : pod_watches_) pods->retry_now();
}

}  // namespace reconciler
