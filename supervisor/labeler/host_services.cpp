#include "supervisor/labeler/host_services.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <utility>

#include "common/log.h"
#include "common/log_repetition.h"
#include "common/shortened.h"

namespace reconciler::labeler {

namespace {

// For people, of which the header says how much is kept.
constexpr std::size_t longest_text = 1'024;

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

std::string words_of(const char* text) {
  return text == nullptr
             ? std::string()
             : std::string(shortened({text, ::strnlen(text, longest_text + 1)}, longest_text));
}

int uv_events(uint32_t events) {
  return ((events & VR_READABLE) != 0 ? UV_READABLE : 0) |
         ((events & VR_WRITABLE) != 0 ? UV_WRITABLE : 0);
}

uint32_t vr_events(int events) {
  return ((events & UV_READABLE) != 0 ? uint32_t{VR_READABLE} : 0u) |
         ((events & UV_WRITABLE) != 0 ? uint32_t{VR_WRITABLE} : 0u);
}

}  // namespace

HostServices::HostServices(uv_loop_t* loop, ipc::ChildSession& session, std::string target,
                           Handlers handlers)
    : loop_(loop),
      session_(session),
      target_(std::move(target)),
      handlers_(std::move(handlers)),
      thread_(std::this_thread::get_id()) {
  host_ = {sizeof(vr_host),
           reinterpret_cast<vr_host_context*>(this),
           &HostServices::log,
           &HostServices::complete,
           &HostServices::changed,
           &HostServices::now_ns,
           &HostServices::timer_start,
           &HostServices::timer_stop,
           &HostServices::watch_start,
           &HostServices::watch_change,
           &HostServices::watch_stop,
           &HostServices::problem_set,
           &HostServices::problem_clear,
           &HostServices::count};
}

HostServices::~HostServices() = default;

HostServices& HostServices::of(vr_host_context* context) {
  auto& services = *reinterpret_cast<HostServices*>(context);
  if (std::this_thread::get_id() != services.thread_) {
    log::error("the plugin called its host from another thread: this labeler ends",
               {.target = services.target_});
    log::write_all_counts();
    ::_exit(EX_SOFTWARE);
  }
  return services;
}

void HostServices::log(vr_host_context* context, vr_log_level level, const char* group,
                       const char* message) {
  const HostServices& services = of(context);
  const auto known = std::min(static_cast<int>(level), static_cast<int>(log::Level::error));
  const std::string group_text = text_of(group);
  const std::string message_text = text_of(message);
  log::write(static_cast<log::Level>(known), message_text,
             {.group = group_text, .target = services.target_});
}

void HostServices::complete(vr_host_context* context, vr_request* request, vr_outcome outcome,
                            const char* reason) {
  of(context).handlers_.on_complete(request, outcome, words_of(reason));
}

void HostServices::changed(vr_host_context* context, const char* group) {
  of(context).handlers_.on_changed(group);
}

uint64_t HostServices::now_ns(vr_host_context*) { return uv_hrtime(); }

vr_timer* HostServices::timer_start(vr_host_context* context, uint64_t after_ms,
                                    void (*fire)(void*), void* data) {
  HostServices& services = of(context);
  auto owned = std::make_unique<vr_timer>(services.loop_);
  vr_timer* timer = owned.get();
  services.timers_.emplace(timer, std::move(owned));
  timer->timer.start(after_ms, [&services, timer, fire, data] {
    services.timers_.erase(timer);
    fire(data);
  });
  return timer;
}

void HostServices::timer_stop(vr_host_context* context, vr_timer* timer) {
  of(context).timers_.erase(timer);
}

vr_watch* HostServices::watch_start(vr_host_context* context, int fd, uint32_t events,
                                    void (*ready)(void*, uint32_t), void* data) {
  HostServices& services = of(context);
  auto owned = std::make_unique<vr_watch>();
  if (auto opened = owned->poll.open(services.loop_, fd); !opened) {
    log::error("a descriptor of the plugin can't be watched",
               {.target = services.target_, .error = opened.error().message()});
    return nullptr;
  }
  vr_watch* watch = owned.get();
  watch->ready = ready;
  watch->data = data;
  services.watches_.emplace(watch, std::move(owned));
  watch_change(context, watch, events);
  return watch;
}

void HostServices::watch_change(vr_host_context* context, vr_watch* watch, uint32_t events) {
  if (!of(context).watches_.contains(watch)) return;
  if (events == 0) {
    watch->poll.stop();
    return;
  }
  const auto ready = watch->ready;
  void* data = watch->data;
  watch->poll.start(uv_events(events), [ready, data, events](int status, int happened) {
    ready(data, status < 0 ? events : vr_events(happened));
  });
}

void HostServices::watch_stop(vr_host_context* context, vr_watch* watch) {
  of(context).watches_.erase(watch);
}

void HostServices::problem_set(vr_host_context* context, const char* group, const char* id,
                               vr_severity severity, const char* message) {
  of(context).session_.problem_set(
      text_of(group), text_of(id), words_of(message),
      severity == VR_BLOCKING ? ipc::Severity::blocking : ipc::Severity::degraded);
}

void HostServices::problem_clear(vr_host_context* context, const char* group, const char* id) {
  of(context).session_.problem_clear(text_of(group), text_of(id));
}

void HostServices::count(vr_host_context* context, const char* name, const char* label,
                         const char* value, uint64_t by) {
  of(context).session_.count(text_of(name), text_of(label), text_of(value), by);
}

}  // namespace reconciler::labeler
