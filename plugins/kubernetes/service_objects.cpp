#include "plugins/kubernetes/service_objects.h"

#include <algorithm>

namespace reconciler {

ServiceObjects::ServiceObjects(Host host, ApiClient& api, const Settings& settings, size_t group,
                               SharedWatches& watches, Listener listener_of_group)
    : host_(host),
      api_(api),
      settings_(settings),
      group_(settings.groups[group].name),
      service_name_(settings.groups[group].service),
      replica_service_(settings.groups[group].replica_service),
      listener_(std::move(listener_of_group)),
      watches_(watches),
      services_(watches.services(group)),
      pods_(watches.pods(group)) {
  for (ObjectView<Service>& service : services_) service.on(listener());
  pods_.on(listener_of_pods());
  if (by_slice()) slices_.emplace(watches.slices(group)).on(listener());
}

WatchListener ServiceObjects::listener() {
  return {.listed = [this] { became_ready(); },
          .changed = [this](const ObjectChange& change) { listener_.changed(change); },
          .live = listener_.live,
          .failed = listener_.failed};
}

WatchListener ServiceObjects::listener_of_pods() {
  return {.listed =
              [this] {
                without_pods_ = false;
                became_ready();
              },
          .changed =
              [this](ObjectChange change) {
                change.moved.clear();  // a label of pods is nothing that is published here
                listener_.changed(change);
              },
          .live =
              [this] {
                without_pods_ = false;
                listener_.live();
              },
          .failed =
              [this](const ApiError& error) {
                if (!by_slice() || error.kind != ApiError::Kind::forbidden) {
                  listener_.failed(error);
                  return;
                }
                without_pods_ = true;
                became_ready();
              }};
}

bool ServiceObjects::ready() const {
  const bool services = std::all_of(services_.begin(), services_.end(),
                                    [](const auto& service) { return service.listed(); });
  return services && (pods_.listed() || without_pods_) && (!by_slice() || slices_->listed());
}

bool ServiceObjects::live() const {
  const bool services = std::all_of(services_.begin(), services_.end(),
                                    [](const auto& service) { return service.live(); });
  return services && (pods_.live() || without_pods_) && (!by_slice() || slices_->live());
}

bool ServiceObjects::polls() const {
  const bool services = std::any_of(services_.begin(), services_.end(),
                                    [](const auto& service) { return service.polls(); });
  return services || (by_slice() ? slices_->polls() : pods_.polls());
}

void ServiceObjects::became_ready() {
  if (!ready()) return;
  if (!std::exchange(ready_told_, true)) {
    listener_.ready();
  } else {
    listener_.changed(ObjectChange());
  }
}

const Service* ServiceObjects::service(const std::string& name) const {
  for (const auto& each : services_) {
    const auto found = each.items().find(name);
    if (found != each.items().end()) return &found->second;
  }
  return nullptr;
}

const Slice* ServiceObjects::slice(const std::string& service) const {
  const auto found = slices_->items().find(slice_name(service));
  return found == slices_->items().end() ? nullptr : &found->second;
}

ServiceView ServiceObjects::view(const std::string& name) const {
  ServiceView view;
  view.pod_namespace = api_.pod_namespace();
  view.service_name = name;
  view.service = service(name);
  if (by_slice()) view.slices = &slices_->items();
  view.pods = &pods_.items();
  view.service_port = settings_.service_port;
  return view;
}

ServicePlan ServiceObjects::plan(const Wanted& wanted) const {
  const ServiceView seen = view(service_name_);
  return by_slice() ? plan_slice(wanted, seen) : plan_selector(wanted, seen);
}

ServicePlan ServiceObjects::plan_of_replicas(const Wanted& wanted) const {
  return plan_replica_slice(wanted, view(replica_service_));
}

bool ServiceObjects::replicas_drifted(const Wanted& wanted) const {
  if (!has_replicas()) return false;
  const Slice* now = slice(replica_service_);
  return plan_of_replicas(wanted).verdict == ServicePlan::Verdict::change &&
         (now == nullptr || now->stamp.text == replica_stamp_);
}

void ServiceObjects::replicas_are_right(const Wanted& wanted) {
  const Slice* now = slice(replica_service_);
  const auto stamp = stamp_of(wanted, now);
  if (stamp && stamp->claim == wanted.claim) replica_stamp_ = now->stamp.text;
}

std::vector<std::string> ServiceObjects::names_of(std::string_view kind) const {
  if (kind != services_name.plural && kind != slices_name.plural) return {};
  std::vector<std::string> names{service_name_};
  if (has_replicas()) names.push_back(replica_service_);
  if (kind == slices_name.plural) {
    for (std::string& name : names) name = slice_name(name);
  }
  return names;
}

const ApiObject* ServiceObjects::holder() const {
  if (by_slice()) return slice(service_name_);
  return service(service_name_);
}

OrderScope<Service> ServiceObjects::scope_of_service() {
  return {&services_.front(),
          [](const Service&) { return true; },
          {},
          fmt::format("there is no Service {}/{}", api_.pod_namespace(), service_name_)};
}

OrderScope<Slice> ServiceObjects::scope_of_slices() {
  const auto concerns = [this](const Slice& slice) {
    const bool foreign =
        slice.stamp.state == StampReading::State::read && slice.stamp.stamp->group != group_;
    if (foreign) return false;
    return slice.name == slice_name(service_name_) ||
           (has_replicas() && slice.name == slice_name(replica_service_));
  };
  return {&*slices_,
          concerns,
          {},
          fmt::format("there is no EndpointSlice {}/{}", api_.pod_namespace(),
                      slice_name(service_name_))};
}

void ServiceObjects::list(const Answered& done) {
  struct Lists {
    size_t open = 0;
    std::optional<ApiError> error;
  };
  auto lists = std::make_shared<Lists>();  // shared by the answers
  const auto one = [lists, done](const std::optional<ApiError>& error) {
    if (error && !lists->error) lists->error = error;
    if (--lists->open == 0) done(lists->error);
  };
  lists->open = services_.size() + (without_pods_ ? 0 : 1) + (by_slice() ? 1 : 0);
  if (by_slice()) {
    slices_->list([this, one](const std::optional<ApiError>& error) {
      const std::string unseen = std::exchange(unseen_, {});
      if (error || unseen.empty() || slices_->items().contains(unseen)) {
        one(error);
      } else {
        find_slice(unseen, one);
      }
    });
  }
  for (auto& service : services_) service.list(one);
  if (without_pods_) return;
  pods_.list([this, one](const std::optional<ApiError>& error) {
    const bool dispensable = by_slice() && error && error->kind == ApiError::Kind::forbidden;
    without_pods_ |= dispensable;
    one(dispensable ? std::nullopt : error);
  });
}

// A slice that is there without the label by which slices are watched.
void ServiceObjects::find_slice(const std::string& name, Answered done) {
  api_.list<Slice>(
      slices_->resource(),
      [name] {
        return query_of(Selection{{}, name});
      },
      [this, done = std::move(done)](ListAnswer<Slice> answer) {
        for (Slice& slice : answer.items) slices_->seen(std::move(slice));
        done(answer.error);
      });
}

}  // namespace reconciler
