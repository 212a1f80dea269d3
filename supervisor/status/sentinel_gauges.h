// What the watcher's gauges say of the Sentinels, by group and by Sentinel: read from its reports,
// kept small. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/ipc/message.h"

namespace reconciler {

struct SentinelGauges {
  struct OfGroup {
    double known = 0;
    double up = 0;
    double agree = 0;          // name the primary that is published
    double agreed_unix_s = 0;  // when they last did; 0: never yet
  };

  // What is no gauge of these is left out.
  static SentinelGauges read(const std::vector<ipc::Gauge>& gauges);

  // There is no watcher: no Sentinel is up.
  void nobody_hears();

  std::map<std::string, OfGroup> groups;
  std::map<std::pair<std::string, std::string>, bool> up;  // by set and address
};

}  // namespace reconciler
