// The addresses of a set of Sentinels.
#include <algorithm>
#include <utility>

#include "common/config/reading.h"

namespace reconciler {

namespace {

constexpr uint16_t default_port = 26379;
constexpr std::size_t most_addresses = 64;

struct Entry {
  Address address;
  Written written;
};

// The entries of one layer; nothing where any of them is wrong.
std::optional<std::vector<Entry>> read_layer(const Written& layer, Problems& problems) {
  const auto items = read_list(layer, problems);
  if (!items) return std::nullopt;
  if (items->empty() || items->size() > most_addresses) {
    problems.add(layer.where(), layer.key(),
                 fmt::format("names {} Sentinels; expected 1 to {} addresses", items->size(),
                             most_addresses));
    return std::nullopt;
  }
  std::vector<Entry> entries;
  for (const Written& item : *items) {
    const auto text = read_text(item, problems);
    if (!text) continue;
    Result<Address> address = parse_address(*text);
    if (address) {
      entries.push_back({std::move(address).value(), item});
    } else {
      problems.add(item.where(), item.key(), address.error().message());
    }
  }
  return entries.size() == items->size() ? std::optional(std::move(entries)) : std::nullopt;
}

std::optional<uint16_t> read_port(const std::optional<Written>& written, Problems& problems) {
  if (!written) return std::nullopt;
  const Result<uint16_t> port = parse_port(written->text());
  if (port) return *port;
  problems.add(written->where(), written->key(), port.error().message());
  return std::nullopt;
}

// The variable's port goes over the file's, as long as the file has one.
void put_port_over_file(uint16_t port, const Written& variable, std::vector<Entry>& entries,
                        Problems& problems) {
  std::optional<uint16_t> only;
  for (Entry& entry : entries) {
    const uint16_t in_file = std::exchange(entry.address.port, port).value_or(default_port);
    if (only && *only != in_file) {
      problems.add(variable.where(), variable.key(),
                   fmt::format("goes over the only port, but the file has {} and {} at {}; "
                               "expected one, or no such variable",
                               *only, in_file, to_string(entry.written.where())));
      entries.clear();
      return;
    }
    only = in_file;
  }
}

}  // namespace

std::vector<Endpoint> read_addresses(TableReader* table, const std::optional<Written>& host,
                                     const std::optional<Written>& port_variable,
                                     Problems& problems) {
  const Layers written = layers(table, "addresses", host);
  if (written.empty()) {
    problems.add(
        table->where(), table->path_to("addresses"),
        "is missing; expected the addresses of Sentinels, such as [\"valkey-headless:26379\"]");
  }
  std::vector<Entry> entries;
  for (const Written& layer : written)
    entries = read_layer(layer, problems).value_or(std::vector<Entry>());
  const std::optional<uint16_t> port = read_port(port_variable, problems);
  if (port && !host) put_port_over_file(*port, *port_variable, entries, problems);

  std::vector<Endpoint> addresses;
  for (const Entry& entry : entries) {
    Endpoint endpoint{entry.address.host, entry.address.port.value_or(port.value_or(default_port))};
    const bool twice = std::any_of(addresses.begin(), addresses.end(), [&](const Endpoint& other) {
      return other.port == endpoint.port && same_host(other.host, endpoint.host);
    });
    if (twice) {
      problems.add(entry.written.where(), entry.written.key(),
                   fmt::format("{} is there twice; expected each Sentinel once",
                               quote(to_string(endpoint))));
    }
    addresses.push_back(std::move(endpoint));
  }
  return addresses;
}

}  // namespace reconciler
