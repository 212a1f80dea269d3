// What is known of one group at one moment. Always whole, never a difference; made by the
// sentinel-watcher, carried by the supervisor unread, handed to plugins by the labelers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reconciler {

// An address as Sentinel announces it: `host` is an IP address (IPv6 without brackets) or a host
// name.
struct Endpoint {
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// `10.0.0.7:6379`, `[fd00::7]:6379`, `valkey-0.valkey:6379`.
std::string to_string(const Endpoint& endpoint);

struct Replica {
  Endpoint endpoint;
  bool healthy = false;  // Sentinel calls it up, and its link to the primary is up

  friend bool operator==(const Replica&, const Replica&) = default;
};

enum class PrimaryState : uint8_t {
  known = 0,      // the primary is to be published
  suspected = 1,  // the primary is to be withdrawn, and nothing published in its place
};

// The order of decisions, the same for every instance of this program that ever ran: a target that
// remembers a higher one stands by it.
struct Decision {
  uint32_t era = 0;    // how often Sentinel's epochs began anew; 0: nothing is known of it
  uint64_t epoch = 0;  // Sentinel's config-epoch of the group
  // Orders decisions within one epoch. Even: settled, what the Sentinels say. Odd: unsettled, a provisional promotion
  // (known) or a suspected primary (suspected). Each further decision takes the next higher number of its kind:
  // 0 A, 1 A suspected, 2 A restored; 0 A, 1 B provisional, then either the next epoch's 0 B or 2 A, taken back.
  uint32_t step = 0;

  bool settled() const { return step % 2 == 0; }
  // Of a later failover, or after a reset.
  bool is_after(const Decision& other) const {
    return era != other.era ? era > other.era : epoch > other.epoch;
  }

  // The next settled or unsettled one of the same epoch.
  Decision next(bool as_settled) const {
    return {era, epoch, step + (settled() == as_settled ? 2 : 1)};
  }

  friend bool operator==(const Decision&, const Decision&) = default;
  friend auto operator<=>(const Decision&, const Decision&) = default;
};

struct Topology {
  std::string group;  // as Sentinel knows it: any bytes but NUL
  Decision decision;
  PrimaryState state = PrimaryState::known;
  Endpoint primary;
  std::vector<Replica> replicas;  // sorted by endpoint

  // What brought this about, for people: `+promoted-slave from 10.0.0.7:26379`, and when it was
  // heard.
  std::string cause;
  int64_t event_unix_us = 0;   // microseconds since 1970, UTC
  uint64_t event_mono_ns = 0;  // the same instant on CLOCK_MONOTONIC, nanoseconds

  // Whether clients are to be led to the same place: what differs is replicas, the decision's number or the cause.
  bool leads_as(const Topology& other) const;
};

}  // namespace reconciler
