#include "supervisor/sentinel_watcher/sentinel_roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "supervisor/sentinel_watcher/aliases.h"

namespace reconciler {

namespace {

// After a connection failed: its pod may have another address by now.
constexpr uint64_t look_up_soon_ms = 1'000;
// More are no set of Sentinels, and somebody who tells of thousands is none.
constexpr std::size_t most_told_of = 32;

}  // namespace

SentinelRoster::SentinelRoster(uv_loop_t* loop, const SentinelSettings& settings, Reports& reports,
                               Handlers handlers)
    : loop_(loop),
      settings_(settings),
      reports_(reports),
      handlers_(std::move(handlers)),
      look_up_timer_(loop),
      look_up_soon_timer_(loop),
      change_timer_(loop) {
  for (const Endpoint& endpoint : settings_.addresses) {
    if (const auto address = literal_address(endpoint)) {
      literals_.push_back(*address);
    } else {
      hosts_.push_back(std::make_unique<HostName>(loop_, endpoint, false));
    }
  }
}

SentinelRoster::~SentinelRoster() = default;

void SentinelRoster::start() {
  for (const auto& host : hosts_) look_up(*host);
  look_up_timer_.start_repeating(static_cast<uint64_t>(settings_.resolve_interval), [this] {
    for (const auto& host : hosts_) look_up(*host);
  });
}

void SentinelRoster::look_up(HostName& host) {
  host.lookup.start([this, &host](Result<std::vector<SocketAddress>> found) {
    looked_up(host, std::move(found));
  });
}

void SentinelRoster::look_up_soon() {
  if (hosts_.empty() || look_up_soon_timer_.active()) return;
  look_up_soon_timer_.start(look_up_soon_ms, [this] {
    for (const auto& host : hosts_) look_up(*host);
  });
}

void SentinelRoster::looked_up(HostName& host, Result<std::vector<SocketAddress>> found) {
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
    // One that is gone may be told of for ever.
    if (!host.told_of) look_up_soon();
  }
  host.looked_up = true;
  changed();
}

bool SentinelRoster::answers_by(const HostName& host, int family) const {
  return std::any_of(
      host.addresses.begin(), host.addresses.end(), [&](const SocketAddress& address) {
        return address.socket.ss_family == family && handlers_.answers(address.endpoint);
      });
}

std::string SentinelRoster::id_of(const Endpoint& sentinel) const {
  return subject_of(settings_.name, sentinel) + " id";
}

std::string SentinelRoster::peers_of(const Endpoint& sentinel) const {
  return subject_of(settings_.name, sentinel) + " peers";
}

void SentinelRoster::told_id(const Endpoint& sentinel, const Result<std::string>& id) {
  if (!id) return refused(sentinel, id_of(sentinel), id.error());
  reports_.no_trouble(id_of(sentinel));
  discovery_.told_id(sentinel, *id, is_configured(sentinel));
  changed();
}

void SentinelRoster::told_peers(const Endpoint& sentinel,
                                const Result<std::vector<PeerReply>>& peers) {
  if (!peers) return refused(sentinel, peers_of(sentinel), peers.error());
  reports_.no_trouble(peers_of(sentinel));
  std::vector<PeerReply> few = *peers;
  few.resize(std::min(few.size(), most_told_of));
  discovery_.told_peers(sentinel, std::move(few));
  take_up_names();
  changed();
}

void SentinelRoster::refused(const Endpoint& sentinel, const std::string& what,
                             const Error& cause) {
  discovery_.refused(sentinel);
  reports_.logged_trouble(what, "sentinel-discovery",
                          fmt::format("Sentinel {} does not tell of the others, so that only the "
                                      "configured ones are heard: {}",
                                      to_string(sentinel), cause.message()));
}

void SentinelRoster::lost(const Endpoint& sentinel) {
  discovery_.lost(sentinel);
  reports_.no_trouble(id_of(sentinel));
  reports_.no_trouble(peers_of(sentinel));
  changed();
}

// Sentinels that announce host names tell of these; one of which nobody tells any more goes.
void SentinelRoster::take_up_names() {
  const std::vector<Endpoint> told = discovery_.told_of();
  std::erase_if(hosts_, [&](const auto& host) {
    const Endpoint& name = host->lookup.name();
    if (!host->told_of || std::find(told.begin(), told.end(), name) != told.end()) return false;
    reports_.no_trouble(to_string(name));
    return true;
  });
  for (const Endpoint& endpoint : told) {
    const bool known = std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& host) {
      return host->lookup.name() == endpoint;
    });
    if (known || literal_address(endpoint)) continue;
    hosts_.push_back(std::make_unique<HostName>(loop_, endpoint, true));
    look_up(*hosts_.back());
  }
}

void SentinelRoster::changed() {
  change_timer_.start(0, [this] { handlers_.on_change(); });
}

// The configured ones first: where one Sentinel has two addresses, it is known by that.
std::vector<SentinelRoster::Candidate> SentinelRoster::candidates() const {
  std::vector<Candidate> all;
  for (const SocketAddress& address : literals_) all.push_back({address, true});
  for (const auto& host : hosts_) {
    if (host->told_of) continue;
    for (const SocketAddress& address : host->addresses) all.push_back({address, true});
  }
  // Whom a Sentinel tells of may be known under another address: that shows when all have told their ids.
  const bool complete = discovery_.complete();
  const auto add_told_of = [&](const SocketAddress& address) {
    if (complete || handlers_.answers(address.endpoint)) all.push_back({address, false});
  };
  for (const auto& host : hosts_) {
    if (!host->told_of) continue;
    for (const SocketAddress& address : host->addresses) add_told_of(address);
  }
  for (const Endpoint& endpoint : discovery_.told_of()) {
    if (const auto address = literal_address(endpoint)) add_told_of(*address);
  }
  return all;
}

std::vector<SocketAddress> SentinelRoster::wanted() const {
  std::vector<SocketAddress> wanted;
  for (Candidate& candidate : candidates()) {
    const Endpoint& endpoint = candidate.address.endpoint;
    // Who a configured one is, nobody else can say.
    const bool by_hearsay = !candidate.configured;
    const bool is_there =
        std::any_of(wanted.begin(), wanted.end(), [&](const SocketAddress& other) {
          return other.endpoint == endpoint ||
                 discovery_.stands_for(other.endpoint, endpoint, by_hearsay);
        });
    if (!is_there) wanted.push_back(std::move(candidate.address));
  }
  return wanted;
}

std::string SentinelRoster::name_leading_to(const Endpoint& sentinel,
                                            const std::string& present) const {
  std::vector<SocketAddress> all;
  for (Candidate& candidate : candidates()) all.push_back(std::move(candidate.address));
  return reconciler::name_leading_to(sentinel, present, all);
}

bool SentinelRoster::is_configured(const Endpoint& sentinel) const {
  const std::vector<Candidate> all = candidates();
  return std::any_of(all.begin(), all.end(), [&](const Candidate& candidate) {
    return candidate.configured && candidate.address.endpoint == sentinel;
  });
}

bool SentinelRoster::is_twin(const Endpoint& sentinel,
                             const std::vector<SocketAddress>& wanted) const {
  const bool is_wanted = std::any_of(wanted.begin(), wanted.end(), [&](const SocketAddress& other) {
    return other.endpoint == sentinel;
  });
  return !is_wanted && std::any_of(wanted.begin(), wanted.end(), [&](const SocketAddress& other) {
    return discovery_.stands_for(other.endpoint, sentinel, true);
  });
}

std::size_t SentinelRoster::number(const std::vector<Endpoint>& members) const {
  const auto without_address = std::count_if(hosts_.begin(), hosts_.end(), [](const auto& host) {
    return !host->told_of && host->addresses.empty();
  });
  return discovery_.number(members, static_cast<std::size_t>(without_address));
}

}  // namespace reconciler
