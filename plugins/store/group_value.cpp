#include "plugins/store/group_value.h"

#include <utility>

#include <fmt/format.h>

#include "plugins/store/value.h"

namespace reconciler {

namespace {

constexpr const char* higher_decision = "higher-decision";
constexpr const char* unreachable = "server-unreachable";
constexpr const char* not_publishable = "not-publishable";
constexpr int max_races = 5;

// Whether nothing happened that asks for us. What is different in the replicas alone is another writer's view of them:
// two that put it right for each other would never end.
bool says_the_same(const Stored& a, const Stored& b) {
  if (a.is_whole != b.is_whole) return false;
  if (a.value == b.value) return true;
  const std::optional<HeldDecision> held = held_of_value(a.value);
  return held && held == held_of_value(b.value);
}

}  // namespace

GroupValue::GroupValue(Host host, std::string group, std::string where, Options options,
                       std::unique_ptr<Store> store)
    : host_(host),
      group_(std::move(group)),
      where_(std::move(where)),
      options_(options),
      store_(std::move(store)),
      poll_(host),
      patience_(host) {}

void GroupValue::apply(const vr_topology& topology, vr_request* request) {
  store_->stop();
  request_ = request;
  topology_ = &topology;
  has_topology_ = true;
  races_ = 0;
  poll_.stop();
  patience_.stop();
  told_ = {topology.era, topology.epoch, topology.step};
  step_ = Step::read;
  read();
}

// Whatever is under way changes all or nothing, and comes too late once somebody else has written.
void GroupValue::cancel(vr_request* request) {
  if (request != request_) return;
  store_->stop();
  if (step_ == Step::write) is_write_astray_ = true;
  complete(VR_CANCELLED, "", std::nullopt);
}

void GroupValue::look() {
  if (step_ != Step::idle) return;
  step_ = Step::look;
  read();
}

void GroupValue::read() {
  store_->read([this](const Result<Stored>& stored) { on_read(stored); });
}

void GroupValue::on_read(const Result<Stored>& stored) {
  if (!stored) return fail(stored.error().message());
  if (step_ == Step::look) return on_looked(*stored);
  seen_ = *stored;
  Decision decision = ahead_.of(told_);
  if (const std::optional<HeldDecision> held = held_of_value(seen_.value)) {
    const HeldDecision ours = held_of(*topology_, decision);
    const bool patient = stand_off_.has_lasted(*held, ours, host_.now_ns());
    const Placed placing = placed(*held, ours, patient);
    if (placing.standing != Standing::ours) return stand_by(*held, placing.standing);
    decision = placing.decision;
    ahead_.learn(told_, decision);
  }
  host_.clear_problem(group_, higher_decision);
  Result<std::string> value = value_of(*topology_, decision);
  if (!value) {
    host_.set_blocking(group_, not_publishable, value.error().message());
    return complete(VR_REJECTED, value.error().message(), seen_);
  }
  host_.clear_problem(group_, not_publishable);
  value_ = std::move(*value);
  if (seen_.value == value_ && seen_.is_whole && seen_.is_as_set) {
    return complete(VR_APPLIED, "", seen_);
  }
  if (options_.dry_run) {
    const HeldDecision ours = held_of(*topology_, decision);
    return complete(VR_REJECTED,
                    fmt::format("dry run: would write {}: {}", where_,
                                ours.known ? "primary " + ours.primary : "no primary"),
                    seen_);
  }
  step_ = Step::write;
  store_->write(value_, *topology_, seen_,
                [this](const Result<bool>& written) { on_written(written); });
}

void GroupValue::on_looked(const Stored& stored) {
  step_ = Step::idle;
  poll_.start(options_.poll_ms, [this] { look(); });
  if (!is_request_failing_) host_.clear_problem(group_, unreachable);
  if (!has_topology_) return;
  const bool is_same = is_as_left(stored);
  store_->keep(is_same && is_agreed_, [this] { look(); });
  if (!is_same) host_.changed(group_);
}

bool GroupValue::is_as_left(const Stored& stored) const {
  if (!rests_on_ || !says_the_same(*rests_on_, stored)) return false;
  return !is_write_astray_ || rests_on_->value == stored.value;
}

void GroupValue::on_written(const Result<bool>& written) {
  is_write_astray_ = !written;
  if (!written) return fail(written.error().message());
  if (!*written) {
    host_.count("races_total");
    if (++races_ > max_races) {
      return complete(VR_RETRY, "others change the value again and again", std::nullopt);
    }
    step_ = Step::read;
    return read();
  }
  host_.count("updates_total");
  const HeldDecision written_now = *held_of_value(value_);
  host_.log(VR_INFO, group_, "{} names {} (epoch {})", where_,
            written_now.known ? written_now.primary : "no primary", told_.epoch);
  complete(VR_APPLIED, "", Stored{value_, 0, true});
}

void GroupValue::fail(const std::string& fault) {
  host_.set_blocking(group_, unreachable, fault);
  if (step_ != Step::look) {
    is_request_failing_ = true;
    return complete(VR_RETRY, fault, std::nullopt);
  }
  step_ = Step::idle;
  if (rests_on_) host_.log(VR_WARNING, group_, "{}", fault);  // the first of such looks
  rests_on_.reset();
  poll_.start(options_.poll_ms, [this] { look(); });
}

void GroupValue::stand_by(const HeldDecision& held, Standing standing) {
  const HeldDecision ours = held_of(*topology_, ahead_.of(told_));
  if (standing == Standing::theirs && held.known && ours.known && held.primary == ours.primary &&
      seen_.is_whole) {
    host_.clear_problem(group_, higher_decision);
    return complete(VR_APPLIED, "", seen_);
  }
  const std::string reason =
      fmt::format("{} holds a higher decision, {}; where Sentinel was set up anew, overwrite it",
                  where_, to_text(held));
  host_.set_blocking(group_, higher_decision, reason);
  if (standing == Standing::later) {
    patience_.start(patience_ms, [this] { host_.changed(group_); });
  }
  complete(VR_REJECTED, reason, seen_);
}

void GroupValue::complete(vr_outcome outcome, const std::string& reason,
                          std::optional<Stored> rest_on) {
  step_ = Step::idle;
  rests_on_ = std::move(rest_on);
  topology_ = nullptr;
  is_agreed_ = outcome == VR_APPLIED && !options_.dry_run;
  if (outcome == VR_APPLIED || outcome == VR_REJECTED) {
    is_request_failing_ = false;
    host_.clear_problem(group_, unreachable);
  }
  poll_.start(options_.poll_ms, [this] { look(); });
  store_->keep(is_agreed_, [this] { look(); });
  host_.complete(std::exchange(request_, nullptr), outcome, reason);
}

}  // namespace reconciler
