// One group's backend: reads its state, fences, promotes, each confirmed by the state that is read afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/topology.h"
#include "plugins/count_ahead.h"
#include "plugins/haproxy/plan.h"
#include "plugins/haproxy/settings.h"
#include "plugins/host.h"
#include "plugins/socket/exchange.h"

namespace reconciler::haproxy {

// Owned by HaproxyTarget, driven by it and by its own timer. Each exchange has a connection of its own: after a reload
// the process of before goes on answering on those that it has.
class GroupTarget {
 public:
  GroupTarget(Host host, const Settings& settings, const Settings::Group& group);
  GroupTarget(const GroupTarget&) = delete;
  GroupTarget& operator=(const GroupTarget&) = delete;

  const std::string& name() const { return name_; }
  void apply(const vr_topology& topology, vr_request* request);
  void cancel(vr_request* request);
  // Reads now, whatever the timer says.
  void look();

 private:
  enum class Step { idle, look, read, fence, promote };

  void send(Step step, const Commands& commands);
  void on_answer(const Result<std::string>& text);
  void on_look(const State& state);
  void on_read(const Answer& answer);
  void on_fenced(const Answer& answer);
  void on_promoted(const Answer& answer);
  void fail(const Unreadable& unreadable);
  void promote(const Answer& answer, const Plan& plan);
  void refused(const std::string& command, const Answer& answer);
  void stand_by(const HeldDecision& held, const State& state);
  void say_no_server(const Plan& plan);
  void complete(vr_outcome outcome, const std::string& reason, std::optional<State> rest_on);
  void look_later();

  Host host_;
  const Settings& settings_;
  const std::string name_;
  const Rules rules_;
  Exchange exchange_;
  Timer poll_;
  Timer end_;  // of a cancelled request
  Step step_ = Step::idle;

  vr_request* request_ = nullptr;
  Wanted wanted_;
  Decision told_;      // by the topology
  HeldDecision ours_;  // in HAProxy's count
  CountAhead ahead_;
  std::optional<HeldDecision> last_;  // that this run has made the servers follow
  bool changes_ = false;              // this request has changed something
  std::optional<State>
      rests_on_;  // of the last request's end; nothing: it ended without a sight of the state
  bool has_topology_ = false;
  bool forgets_ = false;  // as it was told
};

}  // namespace reconciler::haproxy
