// The writes of ServiceObjects: how they are made, sent and judged by their answers.
#include <utility>

#include "common/random.h"
#include "plugins/kubernetes/service_objects.h"

namespace reconciler {

namespace {

std::vector<LedPod> pods_of(const SliceContent& content) {
  std::vector<LedPod> pods;
  for (const SliceEndpoint& endpoint : content.endpoints) {
    if (!endpoint.pod.empty()) pods.push_back({endpoint.pod, endpoint.pod_uid});
  }
  return pods;
}

}  // namespace

std::vector<LedPod> ServiceObjects::pods_named(const std::string& label) const {
  std::vector<LedPod> pods;
  for (const auto& [name, pod] : pods_.items()) {
    if (pod_name_label_of(pod) == label) pods.push_back({name, pod.uid});
  }
  return pods;
}

ServiceObjects::Write ServiceObjects::make_write(const Wanted& wanted,
                                                 const ServicePlan& plan) const {
  if (by_slice()) {
    Write write = write_of_slice(wanted, plan, service_name_);
    if (const Slice* seen = slice(service_name_)) write.led_to = pods_of(seen->content);
    write.leads_to = pods_of(plan.content);
    return write;
  }
  const Service* seen = service(service_name_);
  Write write;
  write.object = seen->name;
  write.seen = *seen;
  write.stamp = {wanted.claim, plan.kind, random_number(), group_};
  write.pod_name = plan.pod_name;
  const auto says = seen->selector.find(pod_name_label);
  if (says != seen->selector.end()) write.led_to = pods_named(says->second);
  write.leads_to = pods_named(plan.pod_name);
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
  write.body = seen == nullptr ? new_slice(write.object, *service(name), plan.content, write.stamp,
                                           watches_.slice_version())
                               : slice_patch(*seen, *service(name), plan.content, write.stamp,
                                             watches_.slice_version());
  std::string where;
  for (const SliceEndpoint& endpoint : plan.content.endpoints) {
    where += (where.empty() ? "to " : ", ") + endpoint.address;
  }
  write.what = fmt::format("EndpointSlice {}/{} leads {}", api_.pod_namespace(), write.object,
                           where.empty() ? "nowhere" : where);
  return write;
}

void ServiceObjects::send(const Write& write, uint64_t timeout_ms, const Answered& done) {
  if (!by_slice()) {
    api_.patch<Service>(services_.front().resource(), write.object, write.body, timeout_ms,
                        [this, write, done](WriteAnswer<Service> answer) {
                          if (answer.item) services_.front().written(*answer.item);
                          judge(write, std::move(answer), done);
                        });
    return;
  }
  const auto answered = [this, write, done](WriteAnswer<Slice> answer) {
    // Whoever has deleted it meanwhile was told of by the watch.
    if (answer.item && (write.creates || slices_->items().contains(write.object)))
      slices_->seen(*answer.item);
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
  if (write.creates && answer.error && answer.error->code == 409) unseen_ = write.object;
  done(answer.error);
}

bool ServiceObjects::is_unchanged(const Write& write) const {
  const ApiObject* now = holder();
  if (write.of_replicas) now = slice(replica_service_);
  if (write.creates) return now == nullptr;
  return now != nullptr && now->uid == write.seen.uid && now->stamp.text == write.seen.stamp.text &&
         now->pause == write.seen.pause;
}

}  // namespace reconciler
