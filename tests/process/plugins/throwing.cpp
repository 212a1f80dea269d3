// A plugin in C++ that throws in the place that its configuration names: none of it may cross the border.
#include <sys/eventfd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

#include "valkey_reconciler_plugin.hpp"

namespace {

class Throwing {
 public:
  static std::unique_ptr<Throwing> create(vr::Host host, const vr_target& target, std::string&) {
    auto made = std::make_unique<Throwing>(host, vr::setting(target, "place").string);
    made->reach("create");
    return made;
  }

  Throwing(vr::Host host, std::string place)
      : host_(host), place_(std::move(place)), timer_(host), watch_(host) {}

  void apply(const vr_topology&, vr_request* request) {
    reach("apply");
    timer_.start(1, [this] { reach("timer"); });
    if (!watch_.start(eventfd(1, EFD_CLOEXEC), VR_READABLE, [this](uint32_t) {
          reach("watch");
          watch_.stop();
        })) {
      host_.complete(request, VR_RETRY, "no watch");
    }
  }
  void cancel(vr_request* request) {
    reach("cancel");
    (void)request;  // left open: what throws comes first
  }
  void check() { reach("check"); }
  void order(const vr_order&, vr_request* request) {
    reach("order");
    host_.complete(request, VR_APPLIED);
  }

 private:
  void reach(const std::string& place) const {
    if (place == place_) throw std::runtime_error("thrown in " + place);
  }

  vr::Host host_;
  std::string place_;
  vr::Timer timer_;
  vr::Watch watch_;
};

constexpr std::array keys{vr::text_key("place", "Where it throws.")};

}  // namespace

const vr_plugin* VR_PLUGIN_ENTRY() { return vr::plugin<&Throwing::create>("throwing", "1", keys); }
