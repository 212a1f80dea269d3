// One group's value in a store: reads it, replaces it by compare-and-set where our decision is higher, and reads it
// again from time to time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/topology.h"
#include "plugins/count_ahead.h"
#include "plugins/held_decision.h"
#include "plugins/host.h"
#include "plugins/store/store.h"

namespace reconciler {

// Owned by its target, driven by it and by its own timers.
class GroupValue {
 public:
  struct Options {
    uint64_t poll_ms = 10000;
    bool dry_run = false;  // nothing is to be written
  };

  // `where`: the value's name, for people.
  GroupValue(Host host, std::string group, std::string where, Options options,
             std::unique_ptr<Store> store);
  GroupValue(const GroupValue&) = delete;
  GroupValue& operator=(const GroupValue&) = delete;

  const std::string& group() const { return group_; }
  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);
  // Reads now, whatever the timer says.
  void look();

 private:
  enum class Step { idle, look, read, write };

  void read();
  void on_read(const Result<Stored>& stored);
  void on_looked(const Stored& stored);
  bool is_as_left(const Stored& stored) const;
  void on_written(const Result<bool>& written);
  void fail(const std::string& fault);
  void stand_by(const HeldDecision& held, Standing standing);
  void complete(vr_outcome outcome, const std::string& reason, std::optional<Stored> rest_on);

  Host host_;
  const std::string group_;
  const std::string where_;
  const Options options_;
  std::unique_ptr<Store> store_;
  Timer poll_;
  Timer patience_;
  Step step_ = Step::idle;
  Stored seen_;

  vr_request* request_ = nullptr;
  const vr_topology* topology_ = nullptr;  // unchanged while the request is open
  int races_ = 0;                          // writes of this request that came too late
  Decision told_;                          // by the topology
  std::string value_;                      // as it is written
  CountAhead ahead_;
  StandOff stand_off_;
  // Of the last request's end; nothing: it ended without a sight of the value.
  std::optional<Stored> rests_on_;
  bool has_topology_ = false;
  bool is_agreed_ = false;  // the last request ended as applied
  // That the value can be read is no news then: what was refused may be its writing.
  bool is_request_failing_ = false;
  // A write of ours ended without an answer, and may still come true: replicas matter then, too.
  bool is_write_astray_ = false;
};

}  // namespace reconciler
