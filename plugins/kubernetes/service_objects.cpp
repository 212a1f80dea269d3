#include "plugins/kubernetes/service_objects.h"

#include <algorithm>

#include "common/random.h"
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
             .live = listener_.live,
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

void ServiceObjects::list(Answered done) {
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
  if (by_slice()) slices_->list(one);
  for (const auto& watch : services_) watch->list(one);
  if (!without_pods_) pods_.list(one);
}

ServiceObjects::Write ServiceObjects::make_write(const Wanted& wanted,
                                                 const ServicePlan& plan) const {
  if (by_slice()) return write_of_slice(wanted, plan, service_name_);
  const Service* seen = service(service_name_);
  Write write;
  write.object = seen->name;
  write.seen = *seen;
  write.stamp = {wanted.claim, plan.kind, random_number(), group_};
  write.pod_name = plan.pod_name;
  write.body = selector_patch(*seen, plan.pod_name, write.stamp);
  write.what =
      fmt::format("Service {}/{} {}", api_.pod_namespace(), seen->name,
                  plan.kind == StampKind::fenced ? "selects no pod" : "selects " + plan.pod_name);
  return write;
}

ServiceObjects::Write ServiceObjects::make_write_of_replicas(const Wanted& wanted,
                                                             const ServicePlan& plan) const {
  Write write = write_of_slice(wanted, plan, replica_service_);
  write.of_replicas = true;
  return write;
}

ServiceObjects::Write ServiceObjects::write_of_slice(const Wanted& wanted, const ServicePlan& plan,
                                                     const std::string& name) const {
  const Slice* seen = slice(name);
  Write write;
  write.creates = seen == nullptr;
  write.object = slice_name(name);
  if (seen != nullptr) write.seen = *seen;
  write.stamp = {wanted.claim, plan.kind, random_number(), group_};
  write.content = plan.content;
  write.body = seen == nullptr
                   ? new_slice(write.object, *service(name), plan.content, write.stamp, version_)
                   : slice_patch(*seen, name, plan.content, write.stamp, version_);
  std::string where;
  for (const SliceEndpoint& endpoint : plan.content.endpoints) {
    where += (where.empty() ? "to " : ", ") + endpoint.address;
  }
  write.what = fmt::format("EndpointSlice {}/{} leads {}", api_.pod_namespace(), write.object,
                           where.empty() ? "nowhere" : where);
  return write;
}

void ServiceObjects::send(const Write& write, uint64_t timeout_ms, Answered done) {
  if (!by_slice()) {
    api_.patch<Service>(services_.front()->resource(), write.object, write.body, timeout_ms,
                        [this, write, done](WriteAnswer<Service> answer) {
                          if (answer.item) services_.front()->seen(*answer.item);
                          judge(write, std::move(answer), done);
                        });
    return;
  }
  const auto answered = [this, write, done](WriteAnswer<Slice> answer) {
    if (answer.item) slices_->seen(*answer.item);
    if (answer.item && write.of_replicas) replica_stamp_ = answer.item->stamp.text;
    judge(write, std::move(answer), done);
  };
  if (write.creates) {
    api_.create<Slice>(slices_->resource(), write.object, write.body, timeout_ms, answered);
  } else {
    api_.patch<Slice>(slices_->resource(), write.object, write.body, timeout_ms, answered);
  }
}

namespace {

bool confirms(const Service& answer, const ServiceObjects::Write& write) {
  return shows(answer, write.pod_name, write.stamp);
}
bool confirms(const Slice& answer, const ServiceObjects::Write& write) {
  return shows(answer, write.content, write.stamp);
}

}  // namespace

// A write is confirmed by an answer that shows it, and by nothing else.
template <typename Item>
void ServiceObjects::judge(const Write& write, WriteAnswer<Item> answer, const Answered& done) {
  host_.count("patches_total", "result", answer.error ? answer.error->label().c_str() : "ok");
  if (!answer.error &&
      (!confirms(*answer.item, write) || (!write.creates && answer.item->uid != write.seen.uid))) {
    answer.error.emplace();
    answer.error->message = fmt::format(
        "{}: the API server took the change and does not show it (a webhook?)", write.object);
  }
  const bool exists = write.creates && answer.error && answer.error->code == 409;
  if (!exists || slices_->items().contains(write.object)) {
    done(answer.error);
    return;
  }
  // A slice of this name, but without the label by which slices are watched.
  find_slice(write.object, [done, conflict = answer.error](const std::optional<ApiError>& error) {
    done(error ? error : conflict);
  });
}

void ServiceObjects::find_slice(const std::string& name, Answered done) {
  api_.list<Slice>(slices_->resource(), by_name(name),
                   [this, done = std::move(done)](ListAnswer<Slice> answer) {
                     for (Slice& slice : answer.items) slices_->seen(std::move(slice));
                     done(answer.error);
                   });
}

bool ServiceObjects::is_unchanged(const Write& write) const {
  const ApiObject* now = holder();
  if (write.of_replicas) now = slice(replica_service_);
  if (write.creates) return now == nullptr;
  return now != nullptr && now->uid == write.seen.uid && now->stamp.text == write.seen.stamp.text;
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
