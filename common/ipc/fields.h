// The fields of each message in the order in which they travel, told once for writing and for
// reading. Included by codec.cpp alone.
#pragma once

#include <string>
#include <utility>

#include "common/ipc/message.h"

namespace reconciler::ipc {

template <typename A>
void fields(A& a, Endpoint& v) {
  a(v.host), a(v.port);
}

template <typename A>
void fields(A& a, Replica& v) {
  a(v.endpoint), a(v.healthy);
}

template <typename A>
void fields(A& a, Decision& v) {
  a(v.era), a(v.epoch), a(v.step);
}

template <typename A>
void fields(A& a, Topology& v) {
  a(v.group), a(v.decision), a(v.state), a(v.primary), a(v.replicas);
  a(v.cause), a(v.event_unix_us), a(v.event_mono_ns);
}

template <typename A>
void fields(A& a, LogSettings& v) {
  a(v.level), a(v.format);
}

template <typename A>
void fields(A& a, TlsSettings& v) {
  a(v.enabled), a(v.ca_file), a(v.cert_file), a(v.key_file), a(v.server_name);
  a(v.insecure_skip_verify);
}

template <typename A>
void fields(A& a, AccessSettings& v) {
  a(v.username), a(v.password), a(v.password_file), a(v.tls);
}

template <typename A>
void fields(A& a, GroupSettings& v) {
  a(v.name), a(v.act_on), a(v.demote_on), a(v.reset_after);
}

template <typename A>
void fields(A& a, SentinelSettings& v) {
  a(v.name), a(v.addresses), a(v.access), a(v.ask_instances), a(v.instances), a(v.discover);
  a(v.groups);
  a(v.poll_interval), a(v.connect_timeout), a(v.reply_timeout);
  a(v.backoff_min), a(v.backoff_max), a(v.resolve_interval);
}

template <typename A>
void fields(A& a, Setting& v) {
  a(v.name), a(v.type), a(v.given), a(v.secret), a(v.string), a(v.integer), a(v.list);
}

template <typename A>
void fields(A& a, TargetSettings& v) {
  a(v.name), a(v.plugin), a(v.groups), a(v.deadline), a(v.retry_min), a(v.retry_max), a(v.settings);
}

template <typename A>
void fields(A& a, WatcherSettings& v) {
  a(v.log), a(v.heartbeat_interval), a(v.sentinels);
}

template <typename A>
void fields(A& a, LabelerSettings& v) {
  a(v.log), a(v.heartbeat_interval), a(v.dry_run), a(v.target);
}

template <typename A>
void fields(A& a, Hello& v) {
  a(v.process), a(v.version), a(v.pid);
}

template <typename A>
void fields(A& a, Configure& v) {
  a(v.settings);
}

template <typename A>
void fields(A&, Ready&) {}

template <typename A>
void fields(A& a, TopologyMessage& v) {
  a(v.topology);
}

template <typename A>
void fields(A& a, Outcome& v) {
  a(v.kind), a(v.reason), a(v.event_mono_ns), a(v.done_mono_ns), a(v.decision), a(v.primary);
}

template <typename A>
void fields(A&, Heartbeat&) {}

template <typename A>
void fields(A&, Shutdown&) {}

template <typename A>
void fields(A& a, Problem& v) {
  a(v.group), a(v.id), a(v.severity), a(v.message);
}

template <typename A>
void fields(A& a, Counter& v) {
  a(v.name), a(v.label), a(v.value), a(v.count);
}

template <typename A>
void fields(A& a, std::pair<std::string, std::string>& v) {
  a(v.first), a(v.second);
}

template <typename A>
void fields(A& a, Gauge& v) {
  a(v.name), a(v.labels), a(v.value);
}

template <typename A>
void fields(A& a, Report& v) {
  a(v.problems), a(v.counters), a(v.gauges);
}

template <typename A>
void fields(A& a, Ask& v) {
  a(v.number);
}

template <typename A>
void fields(A& a, Answer& v) {
  a(v.number), a(v.json);
}

template <typename A>
void fields(A& a, Order& v) {
  a(v.number), a(v.kind), a(v.by), a(v.reason);
}

template <typename A>
void fields(A& a, Ordered& v) {
  a(v.number), a(v.outcome), a(v.reason);
}

// The largest value of each enumeration that travels: what is above it is refused.
constexpr uint8_t highest(PrimaryState) { return static_cast<uint8_t>(PrimaryState::suspected); }
constexpr uint8_t highest(ActOn) { return static_cast<uint8_t>(ActOn::promotion); }
constexpr uint8_t highest(DemoteOn) { return static_cast<uint8_t>(DemoteOn::odown); }
constexpr uint8_t highest(log::Level) { return static_cast<uint8_t>(log::Level::error); }
constexpr uint8_t highest(log::Format) { return static_cast<uint8_t>(log::Format::json); }
constexpr uint8_t highest(SettingType) { return static_cast<uint8_t>(SettingType::string_list); }
constexpr uint8_t highest(Severity) { return static_cast<uint8_t>(Severity::blocking); }
constexpr uint8_t highest(OrderKind) { return static_cast<uint8_t>(OrderKind::release); }
constexpr uint8_t highest(OutcomeKind) { return static_cast<uint8_t>(OutcomeKind::cancelled); }

}  // namespace reconciler::ipc
