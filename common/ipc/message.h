// The messages between the supervisor and its children. PROTOCOL.md tells who sends which, and
// when.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/configuration.h"
#include "common/topology.h"

namespace reconciler::ipc {

constexpr uint16_t protocol_version = 1;

// child -> supervisor, first: who speaks.
struct Hello {
  std::string process;  // `sentinel-watcher`, `labeler`
  std::string version;  // of the program
  int64_t pid = 0;

  friend bool operator==(const Hello&, const Hello&) = default;
};

// supervisor -> child, once: the accepted configuration of this child, so that a restart after a
// crash can't be a reload.
struct Configure {
  std::variant<WatcherSettings, LabelerSettings> settings;

  friend bool operator==(const Configure&, const Configure&) = default;
};

// child -> supervisor: it can take work. Says nothing of whether a Sentinel or a target was
// reached.
struct Ready {
  friend bool operator==(const Ready&, const Ready&) = default;
};

// watcher -> supervisor -> labelers; and supervisor -> a new watcher: what its predecessor knew.
// Group and revision travel in the frame's header.
struct TopologyMessage {
  Topology topology;
};

enum class OutcomeKind : uint8_t { applied = 0, retry = 1, rejected = 2, cancelled = 3 };

// labeler -> supervisor: what became of a topology at the target. Group and revision of that
// topology are in the header.
struct Outcome {
  OutcomeKind kind = OutcomeKind::applied;
  std::string reason;          // for people; empty with applied
  uint64_t event_mono_ns = 0;  // of the topology
  uint64_t done_mono_ns = 0;   // when the target had confirmed
  Decision decision;           // of the topology
  Endpoint primary;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct Heartbeat {
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// supervisor -> child: finish what was begun, start nothing new, exit 0.
struct Shutdown {
  friend bool operator==(const Shutdown&, const Shutdown&) = default;
};

enum class Severity : uint8_t {
  degraded = 0,  // all is right, though not as it should be
  blocking = 1,  // keeps the program from calling itself ready
};

// A state that keeps a group from being right. `group` empty: the whole child.
struct Problem {
  std::string group;
  std::string id;  // [a-z-]+, unique with the group within one child
  Severity severity = Severity::blocking;
  std::string message;  // the cause in the user's words

  friend bool operator==(const Problem&, const Problem&) = default;
};

struct Counter {
  std::string name;
  std::string label;  // may be empty, with value
  std::string value;
  uint64_t count = 0;  // since this incarnation began

  friend bool operator==(const Counter&, const Counter&) = default;
};

// What is so at the moment, as a metric has it.
struct Gauge {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;  // in the order in which they are shown
  double value = 0;

  friend bool operator==(const Gauge&, const Gauge&) = default;
};

// child -> supervisor: all its problems, counters and gauges; each report replaces the one before.
// Decoded by the supervisor's HTTP part only.
struct Report {
  std::vector<Problem> problems;
  std::vector<Counter> counters;
  std::vector<Gauge> gauges;

  friend bool operator==(const Report&, const Report&) = default;
};

// supervisor -> child, for people. To the watcher: what it knows of the group that stands in the header, or, without one, of
// its Sentinels. To a labeler: have the plugin look at its target's reach and rights.
struct Ask {
  uint64_t number = 0;

  friend bool operator==(const Ask&, const Ask&) = default;
};

// child -> supervisor, at once.
struct Answer {
  uint64_t number = 0;  // of the question
  std::string json;     // shown by the command line, never looked into by the supervisor

  friend bool operator==(const Answer&, const Answer&) = default;
};

enum class OrderKind : uint8_t { pause = 0, resume = 1, release = 2 };

// supervisor -> labeler: what an operator wants of the group that stands in the header.
struct Order {
  uint64_t number = 0;
  OrderKind kind = OrderKind::pause;
  std::string by;      // who wants it, for people
  std::string reason;  // of pause, for people; may be empty

  friend bool operator==(const Order&, const Order&) = default;
};

// labeler -> supervisor: what became of it. Applied: the target has confirmed it; rejected: it is refused; otherwise it is
// not done.
struct Ordered {
  uint64_t number = 0;  // of the order
  OutcomeKind outcome = OutcomeKind::applied;
  std::string reason;  // for people; empty with applied

  friend bool operator==(const Ordered&, const Ordered&) = default;
};

using Message = std::variant<Hello, Configure, Ready, TopologyMessage, Outcome, Heartbeat, Shutdown,
                             Report, Ask, Answer, Order, Ordered>;

}  // namespace reconciler::ipc
