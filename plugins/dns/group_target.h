// One group's name: reads the decision beside it, changes both in one update where ours is higher, reads back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/topology.h"
#include "plugins/count_ahead.h"
#include "plugins/dns/settings.h"
#include "plugins/held_decision.h"
#include "plugins/host.h"
#include "plugins/socket/exchange.h"

namespace reconciler::dns {

// The problem that no server answers as it should.
inline constexpr const char* unreachable = "server-unreachable";

// Owned by DnsTarget, driven by it and by its own timers.
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
  enum class Step { idle, look, read, update, confirm };

  // What the server says.
  struct Seen {
    std::vector<std::string> holder;  // the data of the TXT records beside the name
    std::vector<Record> records;

    std::optional<HeldDecision> held() const;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  // asking.cpp: one message after the other, to one server after the other.
  void read(Step step);
  void ask_next();
  void send(Result<Message> message);
  void on_bytes(const Message& asked, const Result<std::string>& bytes);
  void on_reply(const Reply& reply);
  void try_next(const std::string& fault);

  // deciding
  void on_updated(const Reply& reply);
  bool place();
  void on_seen();
  void update();
  void stand_by();
  void look_later();
  void complete(vr_outcome outcome, const std::string& reason, std::optional<Seen> rest_on);

  Host host_;
  const Settings& settings_;
  const std::string name_;
  const std::string record_name_;
  Exchange exchange_;
  Timer poll_;
  Timer patience_;
  Timer end_;  // of a cancelled request
  Step step_ = Step::idle;
  size_t way_ = 0;     // of settings_.ways: the one that answered last
  size_t failed_ = 0;  // ways in a row, of this step
  std::string faults_;
  std::vector<Type> pending_;  // still to be read
  Seen seen_;

  vr_request* request_ = nullptr;
  bool cancelled_ = false;
  int races_ = 0;  // updates of this request that came too late
  bool known_ = true;
  std::vector<Record> records_;  // that are wanted
  std::string fault_;            // not empty: the primary can't be published
  Decision told_;                // by the topology
  HeldDecision ours_;            // in the zone's count
  Standing standing_ = Standing::ours;
  CountAhead ahead_;
  StandOff stand_off_;
  std::optional<Seen>
      rests_on_;  // of the last request's end; nothing: it ended without a sight of the records
  bool is_request_failing_ = false;  // which a look that succeeds does not mend
  bool has_topology_ = false;
};

}  // namespace reconciler::dns
