#include "plugins/dns/group_target.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "plugins/address.h"

namespace reconciler::dns {

namespace {

constexpr const char* higher_decision = "higher-decision";
constexpr const char* not_publishable = "not-publishable";
constexpr int max_races = 5;

}  // namespace

std::optional<HeldDecision> GroupTarget::Seen::held() const {
  for (const std::string& data : holder) {
    if (std::optional<HeldDecision> held = held_of_text(txt_text(data))) return held;
  }
  return std::nullopt;
}

GroupTarget::GroupTarget(Host host, const Settings& settings, const Settings::Group& group)
    : host_(host),
      settings_(settings),
      name_(group.name),
      record_name_(group.record_name),
      exchange_(host),
      poll_(host),
      patience_(host),
      end_(host) {}

void GroupTarget::apply(const vr_topology& topology, vr_request* request) {
  request_ = request;
  has_topology_ = true;
  cancelled_ = false;
  races_ = 0;
  failed_ = 0;
  faults_.clear();
  poll_.stop();
  patience_.stop();
  told_ = {topology.era, topology.epoch, topology.step};
  known_ = topology.state == VR_PRIMARY_KNOWN;
  const std::string host = canonical_host(topology.primary->host);
  ours_ = {ahead_.of(told_), known_, host_and_port(host, topology.primary->port)};
  records_.clear();
  fault_.clear();
  if (known_) {
    Result<std::vector<Record>> records =
        records_for(settings_.publish, host, topology.primary->port, settings_.ttl_s);
    if (records) {
      records_ = std::move(*records);
    } else {
      fault_ = records.error().message();
    }
  }
  read(Step::read);
}

void GroupTarget::cancel(vr_request* request) {
  if (request != request_) return;
  cancelled_ = true;
  const auto end = [this] {
    exchange_.stop();
    complete(VR_CANCELLED, "", std::nullopt);
  };
  if (step_ != Step::update) return end();
  // One message changes everything or nothing: its answer is waited for, to say what became of it.
  end_.start(longest_end_ms, end);
}

void GroupTarget::look() {
  if (step_ == Step::idle || step_ == Step::look) read(Step::look);
}

void GroupTarget::look_later() {
  poll_.start(settings_.poll_ms, [this] { look(); });
}

// Where ours is to be written whatever the records say, true.
bool GroupTarget::place() {
  const std::optional<HeldDecision> held = seen_.held();
  standing_ = Standing::ours;
  if (held) {
    const bool patient = stand_off_.has_lasted(*held, ours_, host_.now_ns());
    const Placed placing = placed(*held, ours_, patient);
    standing_ = placing.standing;
    if (standing_ != Standing::ours) return false;
    ours_.decision = placing.decision;
    ahead_.learn(told_, placing.decision);
  }
  // A wrong name must not cost a good record; a new primary that can't be published does.
  const bool withdraws = fault_.empty() || (held && ours_.decision.is_after(held->decision));
  return withdraws && held != ours_;
}

void GroupTarget::update() {
  if (settings_.dry_run) {
    host_.clear_problem(name_, higher_decision);
    if (fault_.empty()) host_.clear_problem(name_, not_publishable);
    return complete(VR_REJECTED,
                    fmt::format("dry run: would update {} to lead to {}", record_name_,
                                records_.empty() ? "nothing" : records_.front().data),
                    seen_);
  }
  step_ = Step::update;
  send(make_update(
      {settings_.zone, record_name_, holder_of(record_name_), seen_.holder,
       txt_data(to_text(ours_)), types_of(settings_.publish), records_, settings_.ttl_s},
      settings_.key));
}

void GroupTarget::on_updated(const Reply& reply) {
  if (reply.code == Code::precondition_failed) {
    host_.count("races_total");
    if (++races_ > max_races) {
      return complete(VR_RETRY, "others change the decision again and again", std::nullopt);
    }
    if (!cancelled_) return read(Step::read);
  } else {
    host_.count("updates_total");
    host_.log(VR_INFO, name_, "{} leads to {} (epoch {})", record_name_,
              records_.empty() ? "nothing" : records_.front().data, told_.epoch);
  }
  if (cancelled_) return complete(VR_CANCELLED, "", std::nullopt);
  read(Step::confirm);
}

void GroupTarget::on_seen() {
  if (step_ == Step::look) {
    step_ = Step::idle;
    look_later();
    if (has_topology_ && (!rests_on_ || *rests_on_ != seen_)) host_.changed(name_);
    return;
  }
  if (standing_ != Standing::ours) return stand_by();
  host_.clear_problem(name_, higher_decision);
  if (!fault_.empty()) {
    host_.set_blocking(name_, not_publishable, fault_);
    return complete(VR_REJECTED, fault_, seen_);
  }
  if (seen_.records == records_) {
    host_.clear_problem(name_, not_publishable);
    return complete(VR_APPLIED, "", seen_);
  }
  if (step_ == Step::read) return update();
  // A server drops additions that would make a name both a CNAME and something else, without a word.
  const std::string reason = fmt::format(
      "the server took an update of {} and doesn't show it: are there records of other types?",
      record_name_);
  host_.set_blocking(name_, not_publishable, reason);
  complete(VR_RETRY, reason, std::nullopt);
}

void GroupTarget::stand_by() {
  const std::optional<HeldDecision> held = seen_.held();
  if (standing_ == Standing::theirs && held->known && known_ && held->primary == ours_.primary &&
      seen_.records == records_) {
    host_.clear_problem(name_, higher_decision);
    return complete(VR_APPLIED, "", seen_);
  }
  const std::string reason =
      fmt::format("{} holds a higher decision, {}; where Sentinel was set up anew, overwrite it",
                  holder_of(record_name_), to_text(*held));
  host_.set_blocking(name_, higher_decision, reason);
  if (standing_ == Standing::later) {
    patience_.start(patience_ms, [this] { host_.changed(name_); });
  }
  complete(VR_REJECTED, reason, seen_);
}

void GroupTarget::complete(vr_outcome outcome, const std::string& reason,
                           std::optional<Seen> rest_on) {
  step_ = Step::idle;
  end_.stop();
  if (outcome == VR_APPLIED || outcome == VR_REJECTED) {
    if (std::exchange(is_request_failing_, false)) host_.clear_problem(name_, unreachable);
  }
  rests_on_ = std::move(rest_on);
  look_later();
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
}

}  // namespace reconciler::dns
