#include "supervisor/status/sentinel_gauges.h"

#include <array>

namespace reconciler {

namespace {

struct Field {
  const char* gauge;
  double SentinelGauges::OfGroup::*field;
};

constexpr std::array of_group{
    Field{"sentinels_known", &SentinelGauges::OfGroup::known},
    Field{"sentinels_up", &SentinelGauges::OfGroup::up},
    Field{"sentinels_agree", &SentinelGauges::OfGroup::agree},
    Field{"sentinels_agreed_timestamp_seconds", &SentinelGauges::OfGroup::agreed_unix_s},
};

std::string label_of(const ipc::Gauge& gauge, const std::string& name) {
  for (const auto& [label, value] : gauge.labels) {
    if (label == name) return value;
  }
  return {};
}

}  // namespace

SentinelGauges SentinelGauges::read(const std::vector<ipc::Gauge>& gauges) {
  SentinelGauges read;
  for (const ipc::Gauge& gauge : gauges) {
    if (gauge.name == "sentinel_up") {
      read.up[{label_of(gauge, "set"), label_of(gauge, "sentinel")}] = gauge.value != 0;
      continue;
    }
    for (const Field& field : of_group) {
      if (gauge.name == field.gauge) {
        read.groups[label_of(gauge, "group")].*field.field = gauge.value;
      }
    }
  }
  return read;
}

void SentinelGauges::nobody_hears() {
  for (auto& [group, values] : groups) values.up = values.agree = 0;
  for (auto& [sentinel, is_up] : up) is_up = false;
}

}  // namespace reconciler
