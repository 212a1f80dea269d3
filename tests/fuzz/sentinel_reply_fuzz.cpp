// libFuzzer: any bytes as what a Sentinel sends, cut anywhere, through the reader and every parser of replies.
// CMakeLists.txt says how to build it; unit.sentinel runs it for a moment.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "supervisor/sentinel_watcher/resp.h"
#include "supervisor/sentinel_watcher/sentinel_event.h"
#include "supervisor/sentinel_watcher/sentinel_reply.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"

namespace {

using namespace reconciler;

void use(const Reply& reply) {
  (void)describe(reply);
  const auto address = parse_primary_address(reply);
  const auto primary = parse_primary(reply);
  (void)parse_replicas(reply);
  (void)parse_peers(reply);
  (void)parse_id(reply);
  (void)parse_role(reply);
  const auto push = parse_push(reply);
  if (push && push->kind == Push::Kind::message) (void)parse_event(push->channel, push->payload);
  if (address || primary) {
    SentinelView view;
    (void)take_answer(view, address ? *address : std::nullopt, primary ? *primary : std::nullopt,
                      1);
  }
}

}  // namespace

// The first byte says how many bytes come at a time.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] + std::size_t{1};
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  RespReader reader;
  while (!rest.empty()) {
    if (!reader.feed(rest.substr(0, step))) return 0;
    rest.remove_prefix(rest.size() < step ? rest.size() : step);
    while (true) {
      const auto reply = reader.next();
      if (!reply) return 0;
      if (!*reply) break;
      use(**reply);
    }
  }
  // The payload of an event, whatever channel it came on.
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  for (const std::string_view channel :
       {"+switch-master", "+promoted-slave", "+odown", "+monitor", "-role-change"}) {
    (void)parse_event(channel, payload);
  }
  return 0;
}
