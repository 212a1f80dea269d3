#include "plugins/haproxy/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "plugins/address.h"

namespace reconciler::haproxy {

namespace {

bool is_the_primary(const Server& server, const Wanted& wanted, const Rules& rules) {
  if (rules.publish == Publish::address) return server.name == rules.server;
  if (rules.match == Match::address) {
    return server.address == wanted.host && server.port == wanted.port;
  }
  const std::string name = canonical_host(server.name);
  if (name == wanted.host || (server.fqdn == wanted.host && server.port == wanted.port))
    return true;
  return !canonical_ip(wanted.host) && name == wanted.host.substr(0, wanted.host.find('.'));
}

std::string looked_for(const Wanted& wanted, const Rules& rules) {
  if (rules.publish == Publish::address) return fmt::format("server `{}`", rules.server);
  const std::string primary = host_and_port(wanted.host, wanted.port);
  return rules.match == Match::address ? fmt::format("server with the address {}", primary)
                                       : fmt::format("server by the name of {}", primary);
}

// Empty: `servers` has exactly one for the primary.
std::string fault_of(const std::vector<Server>& servers, const Wanted& wanted, const Rules& rules) {
  const auto count = std::count_if(servers.begin(), servers.end(), [&](const Server& server) {
    return is_the_primary(server, wanted, rules);
  });
  if (count == 0) {
    return fmt::format("backend {} has no {}", rules.backend, looked_for(wanted, rules));
  }
  if (count > 1) {
    return fmt::format("backend {} has more than one {}", rules.backend, looked_for(wanted, rules));
  }
  if (rules.publish == Publish::address && !canonical_ip(wanted.host)) {
    return fmt::format(
        "the primary is announced as {}, and a server's address can only be set to "
        "an IP address",
        wanted.host);
  }
  return "";
}

void withdraw(const Server& server, const Rules& rules, Commands& fence) {
  if (server.in_maintenance) return;
  fence.push_back(state_command(rules.backend, server.name, "maint"));
  if (rules.cut_sessions) fence.push_back(cut_command(rules.backend, server.name));
}

}  // namespace

Plan make_plan(const std::vector<Server>& servers, const Wanted& wanted, const Rules& rules) {
  Plan plan;
  if (wanted.known) plan.no_server = fault_of(servers, wanted, rules);
  const bool publishes = wanted.known && plan.no_server.empty();
  for (const Server& server : servers) {
    if (!publishes || !is_the_primary(server, wanted, rules)) {
      withdraw(server, rules, plan.fence);
      continue;
    }
    // The address changes while the server takes no connections, so that none that is cut was to the new one.
    if (rules.publish == Publish::address &&
        (server.address != wanted.host || server.port != wanted.port)) {
      withdraw(server, rules, plan.fence);
      plan.fence.push_back(address_command(rules.backend, server.name, wanted.host, wanted.port));
    }
    if (server.in_maintenance || server.draining) {
      plan.promote.push_back(state_command(rules.backend, server.name, "ready"));
    }
    if (server.held_down) {
      plan.held_down = fmt::format(
          "server {}/{} is kept in maintenance by HAProxy itself: its name is not resolved, or the "
          "server that it tracks is in maintenance",
          rules.backend, server.name);
    }
  }
  return plan;
}

}  // namespace reconciler::haproxy
