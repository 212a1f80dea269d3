// One group: what each Sentinel says of it, when they are asked again, and what is published.
#pragma once

#include <uv.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/configuration.h"
#include "common/ipc/message.h"
#include "common/topology.h"
#include "common/uv/handle.h"
#include "supervisor/sentinel_watcher/instance_names.h"
#include "supervisor/sentinel_watcher/instance_roles.h"
#include "supervisor/sentinel_watcher/reports.h"
#include "supervisor/sentinel_watcher/sentinel.h"
#include "supervisor/sentinel_watcher/sentinel_view.h"
#include "supervisor/sentinel_watcher/shown_doubts.h"
#include "supervisor/sentinel_watcher/topology_builder.h"

namespace reconciler {

// Driven and owned by a SentinelSet, which tells it of each Sentinel that comes and goes. There may be thousands of them: what
// a group needs only at times has no place of its own in it.
class GroupWatch {
 public:
  // What it shares with the other groups of its set; all outlive it.
  struct Shared {
    uv_loop_t* loop;
    Reports& reports;
    InstanceNames& names;
    const SentinelSettings& settings;
    Access& instances;  // how instances are reached
  };

  GroupWatch(const Shared& shared, std::string name, const Proof& proof);

  const std::string& name() const { return builder_.group(); }

  // What a predecessor had published.
  void remember(const Topology& topology);

  void add(Sentinel& sentinel);
  void remove(const Sentinel& sentinel);
  // How many Sentinels there are, those without a known address included. `has_told`: one of them has told of the others, so
  // that the number which it gives with its primary does not count any more.
  void set_known(std::size_t known, bool has_told);
  // What it said was not its word.
  void forget_word(const Sentinel& sentinel);
  SentinelView::Standing standing_of(const Sentinel& sentinel) const {
    return views_[place_of(sentinel)].standing;
  }

  // What these ask is sent with the Sentinels' next flush().
  void ask(Sentinel& sentinel);
  void poll(Sentinel& sentinel);  // of its replicas, too
  void heard(Sentinel& sentinel, const SentinelEvent& event);
  void lost(const Sentinel& sentinel);
  void set_tilt(const Sentinel& sentinel, bool tilt);
  // Host names of instances were looked up.
  void names_found() { decide("the addresses of a host name"); }

  void add_gauges(std::vector<ipc::Gauge>& gauges) const;
  // For people, as JSON.
  std::string explain() const;

 private:
  // Beside the view of the same index.
  struct Asked {
    Sentinel* sentinel = nullptr;
    uint32_t turn = 0;       // of the Sentinel, at the last question
    uint8_t unanswered = 0;  // questions
    uint8_t torn = 0;        // answers in a row whose halves didn't belong together
    bool again = false;      // as soon as one is answered: something happened meanwhile
  };
  // The first word of a new primary: the event whose way to the label is measured.
  struct News {
    Endpoint primary;
    std::string cause;
    int64_t unix_us = 0;
    uint64_t mono_ns = 0;
  };
  // What its gauges tell.
  struct Agreement {
    uint16_t known = 0;
    uint16_t up = 0;     // those that answer, whatever they say
    uint16_t agree = 0;  // those that name the current primary under the current epoch
    bool all = false;    // those that answer are more than half of the known, and all of them agree
    friend bool operator==(const Agreement&, const Agreement&) = default;
  };
  std::size_t place_of(const Sentinel& sentinel) const;
  // Something was announced, not long ago, and is yet to be published.
  bool has_news() const;
  bool is_news(const Endpoint& primary) const;
  static News news_now(Endpoint primary, std::string cause);
  void answered(Sentinel& sentinel, const Result<Sentinel::PrimaryAnswer>& answer);
  void heard_announcement(Sentinel& sentinel, const SentinelEvent& event);
  void look_up_names(const SentinelView& view);
  void ask_replicas();
  void forget_question_for_replicas(const Sentinel& sentinel);
  void ask_all();
  template <typename Predicate>
  void ask_those_whose(const Predicate& view_is_old);
  void flush_all();
  void heard_role(const InstanceRole& role);
  void decide(const std::string& cause);
  void ask_instances(const std::vector<Endpoint>& wanted);
  void note_agreement(const Verdict& verdict);
  Picture picture(const std::vector<InstanceRole>& roles) const {
    return {.views = views_, .known = known(), .roles = roles, .now = now()};
  }
  std::size_t known() const;
  void publish(const Verdict& verdict, const Endpoint& old_primary, const std::string& cause);
  void wake();
  void schedule();
  Milliseconds now() const { return static_cast<Milliseconds>(uv_now(shared_.loop)); }

  const Shared& shared_;
  TopologyBuilder builder_;
  std::vector<SentinelView> views_;
  std::vector<Asked> asked_;
  std::size_t known_ = 0;
  Agreement agreement_;
  double agreed_unix_s_ = 0;  // since when all agree, or when they began to the last time; 0: never
  std::optional<std::size_t> source_;         // of the replicas
  bool replicas_wanted_ = true;               // they may be others than those known
  const Sentinel* replicas_asked_ = nullptr;  // for them; null: nobody is
  std::unique_ptr<News> news_;
  std::unique_ptr<InstanceRoles> roles_;  // once instances were to be asked
  ShownDoubts doubts_;
  std::size_t burst_step_ = 0;
  std::optional<Milliseconds> burst_at_;       // ask those that don't name the news again then
  std::optional<Milliseconds> all_heard_at_;   // ask those that don't name what is published then
  std::optional<Milliseconds> look_again_at_;  // decide again then
  std::unique_ptr<uv::Timer> wake_;            // only while there is something to wait for
};

}  // namespace reconciler
