// What `check --live` makes of the answers, and how a person reads it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "supervisor/command_line/findings_view.h"
#include "supervisor/live_check/live_findings.h"

namespace reconciler {
namespace {

using State = Finding::State;
using testing::ElementsAre;
using testing::HasSubstr;

Status::Problem problem(const std::string& process, const std::string& id,
                        const std::string& message,
                        ipc::Severity severity = ipc::Severity::blocking) {
  return {process, {"", id, severity, message}, 0};
}

LiveAnswers well() {
  LiveAnswers answers;
  answers.sentinels =
      R"({"sentinels":[{"set":"main","address":"a:1","answers":true,"hears":true,"tls":"TLSv1.3",)"
      R"("verified":true,"troubles":[]}]})";
  answers.groups["shop"] =
      R"({"group":"shop","sentinels":[{"address":"a:1","standing":"answers"}],)"
      R"("instances":[{"address":"p:2","role":"primary"}],)"
      R"("decision":{"primary":"p:2","state":"known"}})";
  answers.targets["file"] = {"file", R"({"checks":false})", true};
  return answers;
}

std::vector<State> states(const LiveAnswers& answers) {
  std::vector<State> all;
  for (const Finding& finding : live_findings(answers)) all.push_back(finding.state);
  return all;
}

TEST(LiveFindings, WhereAllIsWellEachHasALineWithOk) {
  const LiveAnswers answers = well();
  EXPECT_TRUE(sentinels_are_through(answers));
  EXPECT_TRUE(groups_are_through(answers));
  EXPECT_THAT(states(answers), ElementsAre(State::ok, State::ok, State::ok));
  EXPECT_EQ(live_findings(answers)[1].what,
            "known to 1 of 1 Sentinels, its primary is p:2; p:2: primary");
  EXPECT_EQ(exit_status(live_findings(answers)), 0);
}

TEST(LiveFindings, NothingAtAllIsNotThroughAndUnreachable) {
  LiveAnswers answers;
  answers.groups["shop"];
  answers.targets["file"].plugin = "file";
  EXPECT_FALSE(sentinels_are_through(answers));
  EXPECT_FALSE(groups_are_through(answers));
  EXPECT_THAT(states(answers),
              ElementsAre(State::unreachable, State::unreachable, State::unreachable));
}

TEST(LiveFindings, ASentinelThatNeitherAnswersNorFailsIsWaitedFor) {
  LiveAnswers answers = well();
  answers.sentinels =
      R"({"sentinels":[{"address":"a:1","answers":true,"hears":false,"troubles":[]}]})";
  EXPECT_FALSE(sentinels_are_through(answers));
  EXPECT_EQ(live_findings(answers)[0].state, State::unreachable);
}

TEST(LiveFindings, AGroupThatWasNotAnsweredForYetIsWaitedFor) {
  LiveAnswers answers = well();
  answers.groups["shop"] = R"({"sentinels":[{"address":"a:1","standing":"not answered yet"}]})";
  EXPECT_FALSE(groups_are_through(answers));
}

TEST(LiveFindings, AMissingRightIsToldFromAWrongPassword) {
  for (const auto& [text, state] :
       {std::pair("NOPERM this user has no permissions", State::right),
        std::pair("WRONGPASS invalid username-password pair", State::configuration)}) {
    LiveAnswers answers = well();
    answers.sentinels =
        fmt::format(R"({{"sentinels":[{{"address":"a:1","answers":false,"hears":false,)"
                    R"("troubles":[{{"id":"sentinel-auth","message":"cannot log in: {}"}}]}}]}})",
                    text);
    EXPECT_EQ(live_findings(answers)[0].state, state);
    EXPECT_THAT(live_findings(answers)[0].what, HasSubstr(text));
  }
}

TEST(LiveFindings, AGroupThatNoSentinelTellsOfIsBlamedOnWhatIsWrongWithThem) {
  LiveAnswers answers = well();
  answers.groups["shop"] =
      R"({"sentinels":[{"address":"a:1","standing":"refused","refusal":"NOPERM"}]})";
  EXPECT_THAT(states(answers), ElementsAre(State::right, State::right, State::ok));
  EXPECT_EQ(exit_status(live_findings(answers)), 77);
}

TEST(LiveFindings, TheWorstDecidesTheExitStatus) {
  const Finding right{State::right, "a", "", ""};
  const Finding away{State::unreachable, "b", "", ""};
  const Finding wrong{State::configuration, "c", "", ""};
  EXPECT_EQ(exit_status({right}), 77);
  EXPECT_EQ(exit_status({right, away}), 69);
  EXPECT_EQ(exit_status({right, away, wrong}), 78);
  EXPECT_EQ(exit_status({{State::note, "d", "", ""}}), 0);
}

TEST(LiveFindings, ProblemsOfAPluginAreSortedByTheirKind) {
  LiveAnswers answers = well();
  answers.targets["file"].review = R"({"checks":true})";
  for (const auto& [told, state] :
       {std::pair(problem("file", "rights-missing", "forbidden: cannot patch pods"), State::right),
        std::pair(problem("file", "api-unreachable", "x"), State::unreachable),
        std::pair(problem("file", "down", "it died"), State::unreachable),
        std::pair(problem("file", "no-backend", "x"), State::configuration),
        std::pair(problem("file", "paused", "x", ipc::Severity::degraded), State::note)}) {
    answers.problems = {told};
    EXPECT_EQ(live_findings(answers).back().state, state) << told.what.id;
  }
}

TEST(LiveFindings, NotesOfAPluginStandBelowItsOk) {
  LiveAnswers answers = well();
  answers.problems = {problem("file", "any", "worth a look", ipc::Severity::degraded)};
  EXPECT_THAT(states(answers), ElementsAre(State::ok, State::ok, State::ok, State::note));
  answers.targets["file"].had_time = false;
  EXPECT_THAT(states(answers), ElementsAre(State::ok, State::ok, State::unreachable, State::note));
}

TEST(LiveFindings, ATargetThatRefusesItsConfigurationIsNotCalledDownToo) {
  LiveAnswers answers = well();
  answers.problems = {problem("file", "down", "stays down"), problem("file", "refused", "no such")};
  EXPECT_THAT(states(answers), ElementsAre(State::ok, State::ok, State::configuration));
}

TEST(FindingsView, IsAlignedAndPrintable) {
  const std::string text =
      command_line::findings_view({{State::ok, "Sentinel a:1", "fine", ""},
                                   {State::right, "target k", "forbidden\x1b[2J\nok", "add it"}},
                                  false);
  EXPECT_EQ(text,
            "  STATE          OF            FOUND\n"
            "  ok             Sentinel a:1  fine\n"
            "  right missing  target k      forbidden\\x1b[2J\\x0aok -> add it\n");
}

TEST(FindingsView, AsJsonSaysTheSame) {
  const std::string text = command_line::findings_json(
      {{State::unreachable, "a", "says \"no\"", "mend"}, {State::ok, "b", "", ""}});
  const json::Document document = json::parse(text);
  ASSERT_EQ(cJSON_GetArraySize(document.get()), 2);
  const cJSON* first = cJSON_GetArrayItem(document.get(), 0);
  EXPECT_EQ(json::text(first, "state"), "unreachable");
  EXPECT_EQ(json::text(first, "what"), "says \"no\"");
  EXPECT_EQ(command_line::findings_json({}), "[]\n");
}

}  // namespace
}  // namespace reconciler
