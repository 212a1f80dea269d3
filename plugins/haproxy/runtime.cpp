#include "plugins/haproxy/runtime.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "plugins/address.h"

namespace reconciler::haproxy {

namespace {

// srv_admin_state, in include/haproxy/server-t.h. That it was disabled in the configuration (0x04) stays set for ever.
constexpr unsigned forced_maintenance = 0x01;
constexpr unsigned inherited_maintenance = 0x02;
constexpr unsigned forced_drain = 0x08;
constexpr unsigned inherited_drain = 0x10;
constexpr unsigned unresolved_maintenance = 0x20;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_of_a_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == ':';
}

template <typename Number>
bool read(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

// The columns by name: newer versions add some.
class Columns {
 public:
  explicit Columns(std::string_view header) : names_(split(header, ' ')) {
    names_.erase(names_.begin());  // the `#`
  }

  std::optional<Server> server(std::string_view row) const {
    const std::vector<std::string_view> fields = split(row, ' ');
    const auto field = [&](std::string_view name) {
      const auto at = std::find(names_.begin(), names_.end(), name) - names_.begin();
      return static_cast<size_t>(at) < fields.size() ? fields[static_cast<size_t>(at)]
                                                     : std::string_view();
    };
    Server server;
    unsigned admin = 0;
    server.name = field("srv_name");
    server.address = canonical_host(field("srv_addr"));
    if (server.name.empty() || server.address.empty() || !read(field("srv_port"), server.port) ||
        !read(field("srv_admin_state"), admin)) {
      return std::nullopt;
    }
    if (field("srv_fqdn") != "-") server.fqdn = canonical_host(field("srv_fqdn"));
    server.held_down = (admin & (inherited_maintenance | unresolved_maintenance)) != 0;
    server.in_maintenance = (admin & forced_maintenance) != 0;
    server.draining = (admin & (forced_drain | inherited_drain)) != 0;
    return server;
  }

 private:
  std::vector<std::string_view> names_;
};

bool is_header(std::string_view line) { return line.starts_with("# be_id "); }

// Of `proc.x: type=str value=<...>`. What somebody else put there is no decision.
std::optional<HeldDecision> held_of_line(std::string_view line) {
  constexpr std::string_view begin = "value=<";
  const size_t at = line.find(begin);
  if (at == std::string_view::npos || !line.ends_with('>')) return std::nullopt;
  line.remove_prefix(at + begin.size());
  line.remove_suffix(1);
  return held_of_text(line);
}

Refusal refusal_of(const Answer& answer) {
  if (answer.refuses_rights()) return Refusal::rights;
  return answer.remarks.find("Can't find backend") != std::string::npos ? Refusal::backend
                                                                        : Refusal::none;
}

}  // namespace

bool is_proxy_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_of_a_name);
}

std::string plain(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (is_of_a_name(c) || c == '[' || c == ']') {
      safe += c;
    } else {
      safe += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return safe;
}

std::string variable_of(std::string_view backend) {
  std::string name = "proc.valkey_reconciler.";
  for (const char c : backend) {
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      name += c;
    } else {
      name += fmt::format("_{:02x}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

Commands read_commands(const std::string& backend, bool held) {
  Commands commands{"show servers state " + backend};
  if (held) commands.insert(commands.begin(), "get var " + variable_of(backend));
  return commands;
}

Commands hold_commands(const std::string& backend, const HeldDecision& held) {
  return {"experimental-mode on",
          fmt::format("set var {} str({})", variable_of(backend), to_text(held))};
}

std::string state_command(const std::string& backend, const std::string& server,
                          const char* state) {
  return fmt::format("set server {}/{} state {}", backend, server, state);
}

std::string cut_command(const std::string& backend, const std::string& server) {
  return fmt::format("shutdown sessions server {}/{}", backend, server);
}

std::string address_command(const std::string& backend, const std::string& server,
                            const std::string& ip, uint16_t port) {
  return fmt::format("set server {}/{} addr {} port {}", backend, server, ip, port);
}

std::string line_of(const Commands& commands) {
  std::string line;
  for (const std::string& command : commands) {
    if (!line.empty()) line += "; ";
    line += command;
  }
  return line + "\n";
}

std::optional<Answer> read_answer(std::string_view text, const std::string& backend,
                                  Unreadable& unreadable) {
  Answer answer;
  const std::string variable = variable_of(backend) + ": ";
  const std::vector<std::string_view> lines = split(text, '\n');
  const auto header = std::find_if(lines.begin(), lines.end(), is_header);
  for (auto line = lines.begin(); line != header; ++line) {
    if (line->starts_with(variable)) {
      answer.state.held = held_of_line(*line);
    } else if (!line->empty() && *line != "1" && *line != "Variable not found.") {
      answer.remarks += (answer.remarks.empty() ? "" : "; ") + std::string(*line);
    }
  }
  if (header == lines.end()) {
    unreadable = {refusal_of(answer),
                  answer.remarks.empty() ? "an answer without a state" : answer.remarks};
    return std::nullopt;
  }
  const Columns columns(*header);
  for (auto line = header + 1; line != lines.end(); ++line) {
    if (line->empty() && line + 1 != lines.end()) return answer;  // the line that ends a table
    const std::optional<Server> server = columns.server(*line);
    if (!server) break;
    answer.state.servers.push_back(*server);
  }
  unreadable = {Refusal::none, "the state of the servers is cut off"};
  return std::nullopt;
}

}  // namespace reconciler::haproxy
