#include "supervisor/sentinel_watcher/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/text.h"

namespace reconciler {

namespace {

std::string quoted(std::string_view text) { return json_string(text.substr(0, explained_text)); }

std::string quoted(const Endpoint& endpoint) { return quoted(to_string(endpoint)); }

std::string_view in_words(SentinelView::Standing standing) {
  switch (standing) {
    case SentinelView::Standing::out_of_reach:
      return "out of reach";
    case SentinelView::Standing::unheard:
      return "not answered yet";
    case SentinelView::Standing::unknown_group:
      return "knows no such group";
    case SentinelView::Standing::refused:
      return "refused";
    case SentinelView::Standing::answered:
      break;
  }
  return "answers";
}

std::string_view in_words(FailoverState failover) {
  switch (failover) {
    case FailoverState::none:
      return "none";
    case FailoverState::beginning:
      return "beginning";
    case FailoverState::promoted:
      return "promoted";
    case FailoverState::other:
      break;
  }
  return "in progress";
}

std::string_view in_words(InstanceRole::Role role) {
  switch (role) {
    case InstanceRole::Role::unknown:
      return "not answered yet";
    case InstanceRole::Role::primary:
      return "primary";
    case InstanceRole::Role::replica:
      return "replica";
    case InstanceRole::Role::out_of_reach:
      break;
  }
  return "out of reach";
}

std::string_view in_words(ActOn act_on) {
  switch (act_on) {
    case ActOn::agreement:
      return "agreement";
    case ActOn::announcement:
      return "announcement";
    case ActOn::promotion:
      break;
  }
  return "promotion";
}

// null: never.
std::string age(Milliseconds heard, Milliseconds now) {
  return heard == 0 ? "null" : fmt::format("{}", std::max<Milliseconds>(now - heard, 0));
}

std::string sentinel_json(const SentinelView& view, Milliseconds now) {
  std::string json =
      fmt::format(R"({{"address":{},"standing":{},"age_ms":{},"tilt":{})", quoted(view.sentinel),
                  quoted(in_words(view.standing)), age(view.heard, now), view.tilt);
  if (view.standing == SentinelView::Standing::refused)
    json += fmt::format(R"(,"refusal":{})", quoted(view.refusal));
  // What one that can't be reached said last is told, too: its age stands beside it.
  if (view.heard != 0 && view.standing != SentinelView::Standing::unknown_group) {
    json += fmt::format(
        R"(,"primary":{},"epoch":{},"down":{},"objectively_down":{},"reported_replica":{},"failover":{})",
        quoted(view.primary), view.epoch, view.down, view.objectively_down, view.reported_replica,
        quoted(in_words(view.failover)));
  }
  return json + "}";
}

std::string instance_json(const InstanceRole& role, Milliseconds now) {
  std::string json = fmt::format(R"({{"address":{},"role":{},"age_ms":{})", quoted(role.instance),
                                 quoted(in_words(role.role)), age(role.heard, now));
  if (!role.cause.empty()) json += fmt::format(R"(,"cause":{})", quoted(role.cause));
  return json + "}";
}

std::string doubt_json(const ShownDoubts::Entry& entry, Milliseconds now) {
  return fmt::format(
      R"({{"id":{},"severity":"{}","message":{},"shown":{},"for_ms":{}}})", quoted(entry.doubt.id),
      entry.doubt.severity == ipc::Severity::blocking ? "blocking" : "degraded",
      quoted(entry.doubt.message), entry.shown, std::max<Milliseconds>(now - entry.since, 0));
}

std::string decision_json(const TopologyBuilder& builder) {
  if (!builder.has_topology()) return "null";
  const Topology& current = builder.current();
  return fmt::format(
      R"({{"primary":{},"state":"{}","era":{},"epoch":{},"step":{},"settled":{},"because":{}}})",
      quoted(current.primary), current.state == PrimaryState::known ? "known" : "suspected",
      current.decision.era, current.decision.epoch, current.decision.step,
      current.decision.settled(), quoted(builder.because()));
}

template <typename Things, typename ToJson>
std::string list(const Things& things, ToJson to_json, std::size_t most = explained_entries) {
  std::string json;
  std::size_t count = 0;
  for (const auto& thing : things) {
    if (++count > most) break;
    if (!json.empty()) json += ',';
    json += to_json(thing);
  }
  return '[' + json + ']';
}

std::string trouble_json(const Reports::Trouble& trouble) {
  return fmt::format(R"({{"id":{},"message":{}}})", quoted(trouble.id), quoted(trouble.message));
}

std::string state_json(const SentinelState& state) {
  const std::string tls = state.tls.empty() ? "null" : quoted(state.tls);
  return fmt::format(
      R"({{"set":{},"address":{},"answers":{},"hears":{},"tls":{},"verified":{},"troubles":{}}})",
      quoted(state.set), quoted(state.address), state.answers, state.hears, tls, state.verified,
      list(state.troubles, trouble_json));
}

}  // namespace

std::string explanation(const std::vector<SentinelState>& sentinels) {
  return fmt::format(R"({{"sentinels":{}}})", list(sentinels, state_json, sentinels.size()));
}

std::string explanation(const TopologyBuilder& builder, const Picture& picture,
                        const std::vector<ShownDoubts::Entry>& doubts) {
  const Milliseconds now = picture.now;
  return fmt::format(
      R"({{"group":{},"act_on":"{}","demote_on":"{}","known":{},"sentinels":{},"instances":{},"decision":{},"doubts":{}}})",
      json_string(builder.group()), in_words(builder.proof().act_on),
      builder.proof().demote_on == DemoteOn::odown ? "odown" : "switch", picture.known,
      list(picture.views, [now](const SentinelView& view) { return sentinel_json(view, now); }),
      list(picture.roles, [now](const InstanceRole& role) { return instance_json(role, now); }),
      decision_json(builder),
      list(doubts, [now](const ShownDoubts::Entry& entry) { return doubt_json(entry, now); }));
}

}  // namespace reconciler
