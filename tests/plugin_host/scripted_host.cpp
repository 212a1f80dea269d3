#include "tests/plugin_host/scripted_host.h"

#include <cjson/cJSON.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

struct vr_request {
  std::string group;
};

struct vr_timer {
  uv_timer_t handle;
  void (*fire)(void*);
  void* data;
};

struct vr_watch {
  uv_poll_t handle;
  void (*ready)(void*, uint32_t);
  void* data;
};

namespace reconciler {

namespace {

constexpr uint64_t retry_ms = 200;

template <typename T>
void close_and_free(T* owner) {
  owner->handle.data = owner;
  uv_close(reinterpret_cast<uv_handle_t*>(&owner->handle),
           [](uv_handle_t* handle) { delete static_cast<T*>(handle->data); });
}

int poll_events(uint32_t events) {
  int mask = 0;
  if ((events & VR_READABLE) != 0) mask |= UV_READABLE;
  if ((events & VR_WRITABLE) != 0) mask |= UV_WRITABLE;
  return mask;
}

void on_poll(uv_poll_t* handle, int status, int events) {
  auto* watch = static_cast<vr_watch*>(handle->data);
  uint32_t told = 0;
  if (status < 0 || (events & UV_READABLE) != 0) told |= VR_READABLE;
  if (status < 0 || (events & UV_WRITABLE) != 0) told |= VR_WRITABLE;
  watch->ready(watch->data, told);
}

std::string text(const char* value) { return value == nullptr ? "" : value; }

}  // namespace

// A group that is applied again in a moment.
struct ScriptedHost::Due {
  ScriptedHost* host;
  std::string group;
  vr_timer* timer;
};

// A request with the topology that belongs to it.
struct ScriptedHost::Request : vr_request {
  Order order;
  vr_instance primary{};
  std::vector<vr_instance> replicas;
  std::vector<const vr_instance*> replica_pointers;
  vr_topology topology{};
};

ScriptedHost::ScriptedHost(uv_loop_t* loop, bool eager)
    : loop_(loop),
      eager_(eager),
      host_{sizeof(vr_host),
            reinterpret_cast<vr_host_context*>(this),
            &log,
            &complete,
            &changed,
            &now_ns,
            &timer_start,
            &timer_stop,
            &watch_start,
            &watch_change,
            &watch_stop,
            &problem_set,
            &problem_clear,
            &count} {}

ScriptedHost::~ScriptedHost() = default;

void ScriptedHost::use(const vr_plugin* plugin, void* instance) {
  plugin_ = plugin;
  instance_ = instance;
}

ScriptedHost& ScriptedHost::self(vr_host_context* context) {
  return *reinterpret_cast<ScriptedHost*>(context);
}

void ScriptedHost::say(const std::map<std::string, std::string>& fields) {
  cJSON* json = cJSON_CreateObject();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  cJSON_AddNumberToObject(json, "time", std::chrono::duration<double>(now).count());
  for (const auto& [name, value] : fields) {
    cJSON_AddStringToObject(json, name.c_str(), value.c_str());
  }
  char* line = cJSON_PrintUnformatted(json);
  std::puts(line);
  std::fflush(stdout);
  cJSON_free(line);
  cJSON_Delete(json);
}

void ScriptedHost::order(Order order) {
  const std::string group = order.group;
  newest_.insert_or_assign(group, std::move(order));
  apply_now(group);
}

void ScriptedHost::tell(vr_order_kind kind, const std::string& group, const std::string& by,
                        const std::string& reason) {
  auto owned = std::make_unique<vr_request>(vr_request{group});
  vr_request* request = owned.get();
  orders_.emplace(request, std::move(owned));
  const vr_order order{sizeof order, kind, group.c_str(), by.c_str(), reason.c_str()};
  plugin_->order(instance_, &order, request);
}

void ScriptedHost::cancel(const std::string& group) {
  const auto open = open_.find(group);
  if (open != open_.end()) plugin_->cancel(instance_, open->second);
}

void ScriptedHost::apply_now(const std::string& group) {
  const auto newest = newest_.find(group);
  if (newest == newest_.end() || plugin_ == nullptr) return;
  if (open_.contains(group)) {
    due_.insert(group);
    cancel(group);
    return;
  }
  due_.erase(group);
  auto* request = new Request;
  request->group = group;
  request->order = newest->second;
  request->primary = {sizeof(vr_instance), request->order.primary.c_str(), request->order.port, 1};
  vr_topology& topology = request->topology;
  topology.size = sizeof topology;
  topology.group = request->group.c_str();
  topology.era = request->order.era;
  topology.epoch = request->order.epoch;
  topology.step = request->order.step;
  topology.generation = 1;
  topology.revision = ++revision_;
  topology.state = request->order.known ? VR_PRIMARY_KNOWN : VR_PRIMARY_SUSPECTED;
  topology.primary = &request->primary;
  for (const Replica& replica : request->order.replicas) {
    request->replicas.push_back(
        {sizeof(vr_instance), replica.host.c_str(), replica.port, replica.up ? 1 : 0});
  }
  for (const vr_instance& replica : request->replicas) {
    request->replica_pointers.push_back(&replica);
  }
  topology.replica_count = request->replicas.size();
  topology.replicas = request->replica_pointers.data();
  topology.cause = "an order of the test";
  topology.event_mono_ns = uv_hrtime();
  open_[group] = request;
  plugin_->apply(instance_, &topology, request);
}

void ScriptedHost::apply_soon(const std::string& group, uint64_t after_ms) {
  if (stopping_) return;
  auto due = std::make_unique<Due>(Due{this, group, nullptr});
  due->timer = timer_start(
      host_.context, after_ms,
      [](void* data) {
        auto* fired = static_cast<Due*>(data);
        ScriptedHost& host = *fired->host;
        const std::string name = fired->group;
        std::erase_if(host.soon_, [&](const auto& each) { return each.get() == fired; });
        host.apply_now(name);
      },
      due.get());
  soon_.push_back(std::move(due));
}

void ScriptedHost::stop() {
  stopping_ = true;
  for (const auto& due : soon_) timer_stop(host_.context, due->timer);
  soon_.clear();
  std::vector<std::string> groups;
  for (const auto& [group, request] : open_) groups.push_back(group);
  for (const std::string& group : groups) cancel(group);
  std::vector<vr_request*> orders;
  for (const auto& [request, owned] : orders_) orders.push_back(request);
  for (vr_request* request : orders) plugin_->cancel(instance_, request);
}

void ScriptedHost::log(vr_host_context*, vr_log_level level, const char* group,
                       const char* message) {
  constexpr const char* names[] = {"debug", "info", "warning", "error"};
  say({{"event", "log"}, {"level", names[level]}, {"group", text(group)}, {"text", message}});
}

void ScriptedHost::complete(vr_host_context* context, vr_request* request, vr_outcome outcome,
                            const char* reason) {
  ScriptedHost& host = self(context);
  constexpr const char* names[] = {"applied", "retry", "rejected", "cancelled"};
  if (const auto order = host.orders_.extract(request)) {
    say({{"event", "ordered"},
         {"group", order.mapped()->group},
         {"outcome", names[outcome]},
         {"text", text(reason)}});
    return;
  }
  const std::unique_ptr<Request> done(static_cast<Request*>(request));
  if (host.open_.erase(done->group) != 1) {
    say({{"event", "bug"}, {"text", "completed twice"}});
    std::abort();
  }
  const uint64_t took_us = (uv_hrtime() - done->topology.event_mono_ns) / 1000;
  say({{"event", "complete"},
       {"group", done->group},
       {"outcome", names[outcome]},
       {"text", text(reason)},
       {"epoch", std::to_string(done->order.epoch)},
       {"step", std::to_string(done->order.step)},
       {"took_us", std::to_string(took_us)}});
  if (host.due_.contains(done->group)) {
    host.apply_soon(done->group, 0);
  } else if (host.eager_ && outcome == VR_RETRY) {
    host.apply_soon(done->group, retry_ms);
  } else if (host.changed_.contains(done->group)) {
    host.apply_soon(done->group, 0);
  }
  host.changed_.erase(done->group);
}

void ScriptedHost::changed(vr_host_context* context, const char* group) {
  ScriptedHost& host = self(context);
  say({{"event", "changed"}, {"group", text(group)}});
  if (!host.eager_) return;
  for (const auto& [name, order] : host.newest_) {
    if (group != nullptr && name != group) continue;
    if (host.open_.contains(name)) {
      host.changed_.insert(name);
    } else {
      host.apply_soon(name, 0);
    }
  }
}

uint64_t ScriptedHost::now_ns(vr_host_context*) { return uv_hrtime(); }

vr_timer* ScriptedHost::timer_start(vr_host_context* context, uint64_t after_ms,
                                    void (*fire)(void*), void* data) {
  auto* timer = new vr_timer{{}, fire, data};
  uv_loop_t* loop = self(context).loop_;
  uv_timer_init(loop, &timer->handle);
  uv_update_time(loop);
  timer->handle.data = timer;
  uv_timer_start(
      &timer->handle,
      [](uv_timer_t* handle) {
        auto* fired = static_cast<vr_timer*>(handle->data);
        const auto function = fired->fire;
        void* argument = fired->data;
        close_and_free(fired);
        function(argument);
      },
      after_ms, 0);
  return timer;
}

void ScriptedHost::timer_stop(vr_host_context*, vr_timer* timer) {
  uv_timer_stop(&timer->handle);
  close_and_free(timer);
}

vr_watch* ScriptedHost::watch_start(vr_host_context* context, int fd, uint32_t events,
                                    void (*ready)(void*, uint32_t), void* data) {
  auto* watch = new vr_watch{{}, ready, data};
  if (uv_poll_init(self(context).loop_, &watch->handle, fd) != 0) {
    delete watch;
    return nullptr;
  }
  watch->handle.data = watch;
  uv_poll_start(&watch->handle, poll_events(events), &on_poll);
  return watch;
}

void ScriptedHost::watch_change(vr_host_context*, vr_watch* watch, uint32_t events) {
  uv_poll_start(&watch->handle, poll_events(events), &on_poll);
}

void ScriptedHost::watch_stop(vr_host_context*, vr_watch* watch) {
  uv_poll_stop(&watch->handle);
  close_and_free(watch);
}

void ScriptedHost::problem_set(vr_host_context*, const char* group, const char* id,
                               vr_severity severity, const char* message) {
  say({{"event", "problem"},
       {"group", text(group)},
       {"id", id},
       {"severity", severity == VR_BLOCKING ? "blocking" : "degraded"},
       {"text", message}});
}

void ScriptedHost::problem_clear(vr_host_context*, const char* group, const char* id) {
  say({{"event", "problem_clear"}, {"group", text(group)}, {"id", id}});
}

void ScriptedHost::count(vr_host_context*, const char* name, const char* label, const char* value,
                         uint64_t by) {
  say({{"event", "count"},
       {"name", name},
       {"label", text(label)},
       {"value", text(value)},
       {"by", std::to_string(by)}});
}

}  // namespace reconciler
