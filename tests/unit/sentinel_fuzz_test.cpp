// The fuzzer's entry on some thousands of damaged replies, always the same: the sanitizer build of every run has them.
// For longer: tests/fuzz/sentinel_reply_fuzz.cpp with libFuzzer.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "supervisor/sentinel_watcher/resp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace reconciler {
namespace {

std::vector<std::string> seeds() {
  const std::string primary = format_command(
      {"name", "m", "ip", "10.0.0.7", "port", "6379", "flags", "s_down,master", "failover-state",
       "reconf_slaves", "role-reported", "master", "config-epoch", "18446744073709551615"});
  const std::string replica =
      format_command({"name", "r", "ip", "fd00::8", "port", "6379", "flags", "slave",
                      "master-link-status", "ok", "master-host", "?"});
  const std::string event = "slave n 10.0.0.8 2 @ a @ b 10.0.0.7 1 new reported role is master";
  return {format_command({"10.0.0.7", "6379"}),
          primary,
          "*2\r\n" + replica + replica,
          format_command({"message", "+promoted-slave", event}),
          format_command({"message", "+switch-master", "m 10.0.0.7 1 10.0.0.8 2"}),
          "+PONG\r\n-ERR No such master with that name\r\n:-1\r\n$-1\r\n*-1\r\n",
          event};
}

TEST(SentinelReplyFuzz, NoDamageToARepliesBytesDoesHarm) {
  std::mt19937 random(20261123);
  const std::vector<std::string> intact = seeds();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = static_cast<char>(random() % 256) + intact[random() % intact.size()];
    for (auto damage = random() % 4; damage > 0; --damage) {
      const std::size_t place = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[place] = static_cast<char>(random() % 256);
          break;
        case 1:
          bytes.erase(place, random() % 8);
          break;
        case 2:
          bytes.insert(place, std::to_string(random()));
          break;
        default:
          bytes.insert(place, bytes.substr(random() % bytes.size(), random() % 64));
          break;
      }
      if (bytes.empty()) bytes = "*";
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
}

}  // namespace
}  // namespace reconciler
