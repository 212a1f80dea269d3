#include "supervisor/command_line/findings_view.h"

#include <fmt/format.h>

#include "common/text.h"
#include "supervisor/command_line/words.h"

namespace reconciler::command_line {

namespace {

Words in_words(Finding::State state) {
  switch (state) {
    case Finding::State::ok:
      return {"ok", Tone::good};
    case Finding::State::note:
      return {"note", Tone::doubtful};
    case Finding::State::configuration:
      return {"wrong configuration", Tone::bad};
    case Finding::State::unreachable:
      return {"unreachable", Tone::bad};
    case Finding::State::right:
      break;
  }
  return {"right missing", Tone::bad};
}

}  // namespace

std::string findings_view(const std::vector<Finding>& findings, bool color) {
  Table table({"STATE", "OF", "FOUND"});
  for (const Finding& finding : findings) {
    table.add({in_words(finding.state), finding.about,
               finding.mend.empty() ? finding.what
                                    : fmt::format("{} -> {}", finding.what, finding.mend)});
  }
  return table.text(color);
}

std::string findings_json(const std::vector<Finding>& findings) {
  std::string json;
  for (const Finding& finding : findings) {
    json += fmt::format(R"({}{{"state":{},"about":{},"what":{},"mend":{}}})",
                        json.empty() ? "" : ",\n ", json_string(in_words(finding.state).text),
                        json_string(finding.about), json_string(finding.what),
                        json_string(finding.mend));
  }
  return "[" + json + "]\n";
}

}  // namespace reconciler::command_line
