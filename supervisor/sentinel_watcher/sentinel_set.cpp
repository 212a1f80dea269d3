#include "supervisor/sentinel_watcher/sentinel_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/random.h"

namespace reconciler {

namespace {

// Many groups are polled a few at a time, so that an event never waits behind the answers for all of them.
constexpr std::size_t max_polls_per_interval = 50;
// An address that no name has any more, and that doesn't answer: a pod that got another one.
constexpr uint64_t forget_after_ms = 30'000;
// After a connection failed: its pod may have another address by now.
constexpr uint64_t look_up_soon_ms = 1'000;

}  // namespace

SentinelSet::SentinelSet(uv_loop_t* loop, SentinelSettings settings, Reports& reports)
    : loop_(loop),
      settings_(std::move(settings)),
      reports_(reports),
      access_(settings_.access, fmt::format("Sentinels of set {}", settings_.name), reports_),
      look_up_timer_(loop),
      look_up_soon_timer_(loop) {
  for (const GroupSettings& group : settings_.groups) {
    groups_.push_back(std::make_unique<GroupWatch>(loop_, group.name, reports_));
    groups_by_name_[groups_.back()->name()] = groups_.back().get();
  }
  for (const Endpoint& endpoint : settings_.addresses) {
    if (const auto address = literal_address(endpoint)) {
      literals_.push_back(*address);
    } else {
      hosts_.push_back(std::make_unique<HostName>(loop_, endpoint));
    }
  }
}

SentinelSet::~SentinelSet() = default;

void SentinelSet::start() {
  gather();
  if (hosts_.empty()) return;
  for (const auto& host : hosts_) look_up(*host);
  look_up_timer_.start_repeating(static_cast<uint64_t>(settings_.resolve_interval), [this] {
    for (const auto& host : hosts_) look_up(*host);
  });
}

GroupWatch* SentinelSet::group(std::string_view name) {
  const auto place = groups_by_name_.find(name);
  return place == groups_by_name_.end() ? nullptr : place->second;
}

void SentinelSet::look_up(HostName& host) {
  host.lookup.start([this, &host](Result<std::vector<SocketAddress>> found) {
    looked_up(host, std::move(found));
  });
}

void SentinelSet::look_up_soon() {
  if (hosts_.empty() || look_up_soon_timer_.active()) return;
  look_up_soon_timer_.start(look_up_soon_ms, [this] {
    for (const auto& host : hosts_) look_up(*host);
  });
}

void SentinelSet::looked_up(HostName& host, Result<std::vector<SocketAddress>> found) {
  const std::string name = to_string(host.lookup.name());
  if (found) {
    host.addresses =
        one_family(*found, answers_by(host, AF_INET), answers_by(host, AF_INET6), host.looked_up);
    if (std::exchange(host.failing, false))
      log::info(fmt::format("host name {} resolves again", name));
    reports_.no_trouble(name);
  } else {
    // What was known stays: a name server that is away must not cost a Sentinel.
    const std::string what = fmt::format("cannot resolve Sentinel {}", name);
    if (!std::exchange(host.failing, true)) log::warning(what, {.error = found.error().message()});
    reports_.trouble(name, "sentinel-name", what + ": " + found.error().message());
    look_up_soon();
  }
  host.looked_up = true;
  gather();
}

bool SentinelSet::answers_by(const HostName& host, int family) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& member) {
    return member->sentinel->answers() &&
           std::any_of(host.addresses.begin(), host.addresses.end(),
                       [&](const SocketAddress& address) {
                         return address.socket.ss_family == family &&
                                address.endpoint == member->sentinel->endpoint();
                       });
  });
}

void SentinelSet::gather() {
  std::vector<const SocketAddress*> wanted;
  for (const SocketAddress& address : literals_) wanted.push_back(&address);
  for (const auto& host : hosts_) {
    for (const SocketAddress& address : host->addresses) wanted.push_back(&address);
  }
  const auto is = [](const Endpoint& endpoint) {
    return [&endpoint](const SocketAddress* address) { return address->endpoint == endpoint; };
  };
  for (const SocketAddress* address : wanted) {
    const bool known = std::any_of(members_.begin(), members_.end(), [&](const auto& member) {
      return member->sentinel->endpoint() == address->endpoint;
    });
    if (!known) add(*address);
  }
  for (std::size_t i = members_.size(); i-- > 0;) {
    Member& member = *members_[i];
    member.sentinel->set_host(
        name_leading_to(member.sentinel->endpoint(), member.sentinel->host(), wanted));
    if (std::any_of(wanted.begin(), wanted.end(), is(member.sentinel->endpoint())) ||
        member.sentinel->answers()) {
      member.unwanted_since.reset();
    } else if (!member.unwanted_since) {
      member.unwanted_since = uv_now(loop_);
    } else if (uv_now(loop_) - *member.unwanted_since >= forget_after_ms) {
      forget(i);
    }
  }
  tell_number();
}

void SentinelSet::add(const SocketAddress& address) {
  auto owned = std::make_unique<Member>(loop_);
  Member* member = owned.get();
  member->sentinel = std::make_unique<Sentinel>(
      loop_, settings_, access_, address.endpoint, Peer{address.socket, address.name}, reports_,
      Sentinel::Handlers{
          .on_fresh = [this, member] { fresh(*member); },
          .on_event = [this, member](const SentinelEvent& event) { heard(*member, event); },
          .on_lost = [this, member] { lost(*member); },
          .on_failed = [this] { look_up_soon(); }});
  members_.push_back(std::move(owned));
  for (const auto& group : groups_) group->add(*member->sentinel);
  member->sentinel->start();
}

void SentinelSet::forget(std::size_t place) {
  Sentinel& sentinel = *members_[place]->sentinel;
  log::info(
      fmt::format("Sentinel {} is forgotten: no host name leads to it any more", sentinel.name()));
  for (const auto& group : groups_) group->remove(sentinel);
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(place));
}

void SentinelSet::tell_number() {
  const auto without_address = std::count_if(
      hosts_.begin(), hosts_.end(), [](const auto& host) { return host->addresses.empty(); });
  for (const auto& group : groups_)
    group->set_known(members_.size() + static_cast<std::size_t>(without_address));
}

void SentinelSet::fresh(Member& member) {
  for (const auto& group : groups_) group->ask(*member.sentinel);
  member.sentinel->flush();
  const std::size_t polls = std::clamp<std::size_t>(groups_.size(), 1, max_polls_per_interval);
  const auto period = std::max<uint64_t>(static_cast<uint64_t>(settings_.poll_interval) / polls, 1);
  // Sentinels that came up together are polled apart from each other.
  const uint64_t first = period / 2 + random_number() % (period / 2 + 1);
  member.poll.start(first, [this, &member, period] {
    poll(member);
    member.poll.start_repeating(period, [this, &member] { poll(member); });
  });
}

// It is the PING of the connection for commands, too.
void SentinelSet::poll(Member& member) {
  if (!member.sentinel->answers() || groups_.empty()) return;
  const std::size_t count = (groups_.size() + max_polls_per_interval - 1) / max_polls_per_interval;
  for (std::size_t i = 0; i < count; ++i) {
    groups_[member.next_group % groups_.size()]->ask(*member.sentinel);
    member.next_group = (member.next_group + 1) % groups_.size();
  }
  member.sentinel->flush();
}

void SentinelSet::lost(Member& member) {
  member.poll.stop();
  for (const auto& group : groups_) group->lost(*member.sentinel);
}

void SentinelSet::heard(Member& member, const SentinelEvent& event) {
  if (event.group.empty()) {  // +tilt, -tilt
    const bool tilt = event.channel == "+tilt";
    log::write(tilt ? log::Level::warning : log::Level::info,
               fmt::format("Sentinel {} {} tilt mode", member.sentinel->name(),
                           tilt ? "entered" : "left"));
    for (const auto& group : groups_) group->set_tilt(*member.sentinel, tilt);
    for (const auto& group : groups_) group->ask(*member.sentinel);
    return member.sentinel->flush();
  }
  if (GroupWatch* watch = group(event.group)) watch->heard(*member.sentinel, event);
}

}  // namespace reconciler
