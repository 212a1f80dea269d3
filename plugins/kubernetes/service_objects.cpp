#include "plugins/kubernetes/service_objects.h"

#include <algorithm>

#include "plugins/kubernetes/label_syntax.h"

namespace reconciler {

namespace {

constexpr uint64_t discover_again_ms = 1000;

std::string by_name(const std::string& name) { return "fieldSelector=metadata.name%3D" + name; }

}  // namespace

template <typename Item>
typename ObjectWatch<Item>::Listener ServiceObjects::listener() {
  return {.listed = [this] { became_ready(); },
          .changed = [this](const ObjectChange& change) { listener_.changed(change); },
          .live = listener_.live,
          .failed = listener_.failed};
}

ServiceObjects::ServiceObjects(Host host, ApiClient& api, const Settings& settings,
                               const Settings::Group& group, Listener listener_of_group)
    : host_(host),
      api_(api),
      settings_(settings),
      group_(group.name),
      service_name_(group.service),
      replica_service_(group.replica_service),
      listener_(std::move(listener_of_group)),
      pods_(host, api, group.name, api.pods(), "labelSelector=" + percent_encoded(group.selector),
            {.poll_ms = settings.poll_ms, .resync_ms = settings.resync_ms, .needed = !by_slice()},
            {.listed =
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
                 }}),
      discover_again_(host) {
  for (const std::string& name : {service_name_, replica_service_}) {
    if (name.empty()) continue;
    services_.push_back(std::make_unique<ObjectWatch<Service>>(
        host, api, group.name,
        Resource<Service>{services_name, api.path_of("", "", services_name.plural), read_service},
        by_name(name),
        ObjectWatch<Service>::Options{.poll_ms = settings.poll_ms, .resync_ms = settings.resync_ms},
        listener<Service>()));
  }
}

void ServiceObjects::start() {
  for (const auto& service : services_) service->start();
  pods_.start();
  if (by_slice()) discover();
}

// Which version of EndpointSlices the server has. It is asked again where that is not there any more.
void ServiceObjects::discover() {
  api_.discover(slices_name.group, [this](const std::optional<ApiError>& error,
                                          const std::vector<std::string>& versions) {
    if (error) {
      listener_.failed(*error);
      discover_again_.start(discover_again_ms, [this] { discover(); });
      return;
    }
    const bool has_v1 = std::find(versions.begin(), versions.end(), "v1") != versions.end();
    version_ = has_v1 ? SliceVersion::v1 : SliceVersion::v1beta1;
    const Resource<Slice> resource{
        slices_name, api_.path_of(slices_name.group, text_of(version_), slices_name.plural),
        read_slice};
    if (slices_) {
      slices_->use(resource);
      return;
    }
    ObjectWatch<Slice>::Listener of_slices = listener<Slice>();
    of_slices.failed = [this](const ApiError& failure) {
      listener_.failed(failure);
      if (failure.code == 404) discover_again_.start(discover_again_ms, [this] { discover(); });
    };
    const std::string selector = fmt::format("{} in ({}{}{})", service_name_label, service_name_,
                                             has_replicas() ? "," : "", replica_service_);
    slices_ = std::make_unique<ObjectWatch<Slice>>(
        host_, api_, group_, resource, "labelSelector=" + percent_encoded(selector),
        ObjectWatch<Slice>::Options{.poll_ms = settings_.poll_ms, .resync_ms = settings_.resync_ms},
        std::move(of_slices));
    slices_->start();
  });
}

bool ServiceObjects::ready() const {
  const bool services = std::all_of(services_.begin(), services_.end(),
                                    [](const auto& watch) { return watch->listed(); });
  return services && (pods_.listed() || without_pods_) &&
         (!by_slice() || (slices_ && slices_->listed()));
}

bool ServiceObjects::live() const {
  const bool services = std::all_of(services_.begin(), services_.end(),
                                    [](const auto& watch) { return watch->live(); });
  return services && (pods_.live() || without_pods_) && (!by_slice() || slices_->live());
}

bool ServiceObjects::polls() const {
  const bool services = std::any_of(services_.begin(), services_.end(),
                                    [](const auto& watch) { return watch->polls(); });
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
  for (const auto& watch : services_) {
    const auto found = watch->items().find(name);
    if (found != watch->items().end()) return &found->second;
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

const ApiObject* ServiceObjects::holder() const {
  if (by_slice()) return slice(service_name_);
  return service(service_name_);
}

OrderScope<Service> ServiceObjects::scope_of_service() const {
  return {services_.front().get(),
          [](const Service&) { return true; },
          {},
          fmt::format("there is no Service {}/{}", api_.pod_namespace(), service_name_)};
}

OrderScope<Slice> ServiceObjects::scope_of_slices() const {
  const auto concerns = [this](const Slice& slice) {
    const bool foreign =
        slice.stamp.state == StampReading::State::read && slice.stamp.stamp.group != group_;
    if (foreign) return false;
    return slice.name == slice_name(service_name_) ||
           (has_replicas() && slice.name == slice_name(replica_service_));
  };
  return {slices_.get(),
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
  for (const auto& watch : services_) watch->list(one);
  if (without_pods_) return;
  pods_.list([this, one](const std::optional<ApiError>& error) {
    const bool dispensable = by_slice() && error && error->kind == ApiError::Kind::forbidden;
    without_pods_ |= dispensable;
    one(dispensable ? std::nullopt : error);
  });
}

// A slice that is there without the label by which slices are watched.
void ServiceObjects::find_slice(const std::string& name, Answered done) {
  api_.list<Slice>(slices_->resource(), by_name(name),
                   [this, done = std::move(done)](ListAnswer<Slice> answer) {
                     for (Slice& slice : answer.items) slices_->seen(std::move(slice));
                     done(answer.error);
                   });
}

void ServiceObjects::reconnect() {
  for (const auto& watch : services_) watch->reconnect();
  if (slices_) slices_->reconnect();
  pods_.reconnect();
}

void ServiceObjects::retry_now() {
  for (const auto& watch : services_) watch->retry_now();
  if (slices_) slices_->retry_now();
  pods_.retry_now();
}

}  // namespace reconciler
