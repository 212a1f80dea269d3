// The status document and the metrics, as text: escapes, many groups, names that nobody would choose.

#include "supervisor/status/status_document.h"

#include <cjson/cJSON.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <sstream>

#include "common/text.h"
#include "status_fixture.h"
#include "supervisor/status/exposition.h"
#include "supervisor/status/metrics.h"

namespace reconciler {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Json = std::unique_ptr<cJSON, decltype(&cJSON_Delete)>;

Json parsed(const std::string& text) { return {cJSON_Parse(text.c_str()), cJSON_Delete}; }

std::string text_of(const cJSON* object, const char* key) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, key);
  return cJSON_IsString(item) ? item->valuestring : "(no text)";
}

class Shown {
 public:
  explicit Shown(std::vector<std::string> groups, std::vector<std::string> targets = {"file"})
      : groups_(std::move(groups)) {
    const Configuration configuration = configuration_of(groups_, targets);
    status.expect(configuration, at_ms(0));
    history.expect(configuration);
  }

  // All groups know a primary, and the target has applied it.
  void in_sync() {
    uint64_t revision = 0;
    for (const std::string& group : groups_) {
      status.topology(group, ++revision, topology_of(group, "10.0.0.1", {0, 3, 0}, 100));
      status.outcome("file", group, revision, outcome_at(110), at_ms(120));
    }
  }

  std::string document() { return status_document(state()); }
  std::string metrics_text() { return metrics(state()); }

  Status status;
  History history;
  std::vector<ProcessStatus> children;

 private:
  ShownState state() {
    ProcessStatus self;
    self.name = "supervisor";
    self.pid = 7;
    self.up_ms = 12'345;
    return {status, history, self, children, at_ms(12'345)};
  }

  std::vector<std::string> groups_;
};

TEST(StatusDocumentTest, SaysWhatIsKnown) {
  Shown shown({"shop"});
  shown.in_sync();
  shown.status.report(
      "sentinel-watcher", 1,
      {{},
       {},
       {{"sentinel_up", {{"set", "main"}, {"sentinel", "10.0.0.5:26379"}}, 1},
        {"sentinels_known", {{"group", "shop"}}, 3},
        {"sentinels_agreed_timestamp_seconds", {{"group", "shop"}}, double(start_us) / 1e6}}},
      at_ms(0));
  EXPECT_THAT(
      shown.document(),
      AllOf(
          HasSubstr(R"("schema":1,"version":")"),
          HasSubstr(R"("now":"2026-11-26T00:00:12.345000Z","pid":7,"up_seconds":12.345,)"),
          HasSubstr(R"("ready":true,"in_the_way":[],"problems":[])"),
          HasSubstr(R"({"name":"shop","state":"known","primary":"10.0.0.1:6379","era":0,"epoch":3,)"
                    R"("step":0,"settled":true,"replicas":[],)"
                    R"("cause":"+switch-master from 10.0.0.9:26379",)"
                    R"("since":"2026-11-26T00:00:00.100000Z",)"
                    R"("sentinels":{"known":3,"up":0,"agree":0,)"
                    R"("agreed_at":"2026-11-26T00:00:00.000000Z"}})"),
          HasSubstr(R"("sentinels":[{"set":"main","address":"10.0.0.5:26379","up":true}])"),
          HasSubstr(R"({"name":"file","plugin":"file","groups":[{"group":"shop","in_sync":true,)"
                    R"("outcome":"applied",)"),
          HasSubstr(R"("done_at":"2026-11-26T00:00:00.110000Z","attempts":1})")));
}

TEST(StatusDocumentTest, WhatIsNotKnownIsNull) {
  Shown shown({"shop"});
  EXPECT_THAT(shown.document(),
              AllOf(HasSubstr(R"("state":"unknown","primary":null)"),
                    HasSubstr(R"("since":null,"sentinels":null)"),
                    HasSubstr(R"("in_sync":false,"outcome":null,"reason":"","primary":null,)"
                              R"("epoch":null,"done_at":null,"attempts":0)"),
                    HasSubstr(R"("refused":null)"), HasSubstr(R"("ready":false)")));
}

TEST(StatusDocumentTest, AFailoverHasItsSteps) {
  Shown shown({"shop"});
  const Topology before = topology_of("shop", "10.0.0.1", {0, 1, 0}, 0);
  shown.history.topology(&before, topology_of("shop", "10.0.0.2", {0, 2, 0}, 100), 1,
                         at_ms(100).mono_ns + 400'000, {"file"});
  shown.history.outcome("file", "shop", 1, outcome_at(117));
  EXPECT_THAT(
      shown.document(),
      AllOf(HasSubstr(R"("failovers":[{"group":"shop","era":0,"epoch":2,"step":0,"settled":true,)"
                      R"("state":"known","from":"10.0.0.1:6379","to":"10.0.0.2:6379",)"),
            HasSubstr(R"("event_at":"2026-11-26T00:00:00.100000Z","published_ms":0.4,)"
                      R"("targets":[{"target":"file","outcome":"applied","done_ms":17,)"
                      R"("attempts":1,"reason":""}]})"),
            HasSubstr(R"({"le":0.01,"count":0},{"le":0.02,"count":1})"),
            HasSubstr(R"({"le":null,"count":1}],"sum_seconds":0.017,"count":1})")));
}

TEST(StatusDocumentTest, AProcessThatIsNotThereHasNoPid) {
  Shown shown({"shop"});
  ProcessStatus& watcher = shown.children.emplace_back();
  watcher.name = "sentinel-watcher";
  watcher.kind = ProcessKind::watcher;
  watcher.state = ProcessState::restarting;
  watcher.restarts = 4;
  EXPECT_THAT(shown.document(),
              HasSubstr(R"({"name":"sentinel-watcher","kind":"watcher","pid":null,)"
                        R"("state":"restarting","up_seconds":0,"restarts":4})"));
}

const std::vector<std::string> odd_names{"a \"quoted\" \\ one", "two\nlines", "\xff",     "\xfe",
                                         "h\xc3\xa9",           "}{\",",      "\x1b[31m", "tab\t"};

TEST(StatusDocumentTest, StaysJsonWhateverTheNames) {
  Shown shown(odd_names);
  shown.in_sync();
  shown.status.report(
      "file", 1, report_of({{odd_names[0], "a", ipc::Severity::blocking, "\xc0\x80 \"\n\x01"}}),
      at_ms(0));
  const std::string text = shown.document();
  EXPECT_TRUE(is_utf8(text));
  const Json json = parsed(text);
  ASSERT_NE(json, nullptr);
  std::set<std::string> names;
  const cJSON* groups = cJSON_GetObjectItemCaseSensitive(json.get(), "groups");
  for (const cJSON* group = groups->child; group != nullptr; group = group->next)
    names.insert(text_of(group, "name"));
  EXPECT_EQ(names.size(), odd_names.size()) << "two names that differ stay two";
  EXPECT_TRUE(names.contains("two\nlines"));
  EXPECT_TRUE(names.contains("\\xff"));
}

TEST(StatusDocumentTest, HasAThousandGroups) {
  std::vector<std::string> groups;
  for (int i = 0; i < 1'000; ++i) groups.push_back("group-" + std::to_string(i));
  Shown shown(groups);
  shown.in_sync();
  const std::string text = shown.document();
  const Json json = parsed(text);
  ASSERT_NE(json, nullptr);
  EXPECT_EQ(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json.get(), "groups")), 1'000);
  EXPECT_LT(text.size(), 1u << 20);
}

TEST(MetricsTest, HaveWhatIsPromised) {
  Shown shown({"shop"});
  shown.in_sync();
  ProcessStatus& labeler = shown.children.emplace_back();
  labeler.name = "file";
  labeler.kind = ProcessKind::labeler;
  labeler.restarts = 2;
  const std::string text = shown.metrics_text();
  for (const char* line : {
           "valkey_reconciler_failovers_total{group=\"shop\"} 0\n",
           "valkey_reconciler_target_in_sync{target=\"file\",group=\"shop\"} 1\n",
           "valkey_reconciler_group_known{group=\"shop\"} 1\n",
           "valkey_reconciler_group_epoch{group=\"shop\"} 3\n",
           "valkey_reconciler_ready 1\n",
           "valkey_reconciler_problems{severity=\"blocking\"} 0\n",
           "valkey_reconciler_problems{severity=\"degraded\"} 0\n",
           "valkey_reconciler_child_restarts_total{process=\"file\"} 2\n",
           "valkey_reconciler_child_up{process=\"file\"} 1\n",
           "valkey_reconciler_reload_refused 0\n",
           "# TYPE valkey_reconciler_label_seconds histogram\n",
           "valkey_reconciler_label_seconds_bucket{target=\"file\",le=\"0.005\"} 0\n",
           "valkey_reconciler_label_seconds_bucket{target=\"file\",le=\"+Inf\"} 0\n",
           "valkey_reconciler_label_seconds_count{target=\"file\"} 0\n",
           "valkey_reconciler_build_info{version=\"",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsTest, AProblemIsASeriesWhileItIsThere) {
  Shown shown({"shop"});
  const std::string series = "valkey_reconciler_problem{process=\"file\",group=\"shop\",id=";
  EXPECT_THAT(shown.metrics_text(), Not(HasSubstr("valkey_reconciler_problem{")));
  shown.status.report("file", 1,
                      report_of({{"shop", "no-pod", ipc::Severity::blocking, "no pod"},
                                 {"shop", "no-pod", ipc::Severity::blocking, "said twice"},
                                 {"shop", "paused", ipc::Severity::degraded, "paused"}}),
                      at_ms(0));
  const std::string text = shown.metrics_text();
  const std::string no_pod = series + "\"no-pod\",severity=\"blocking\"} 1\n";
  EXPECT_THAT(text, HasSubstr(no_pod + series + "\"paused\",severity=\"degraded\"} 1\n"));
  EXPECT_EQ(text.find(no_pod), text.rfind(no_pod))
      << "a series that is there twice fails the scrape";
  shown.status.report("file", 1, report_of({}), at_ms(1));
  EXPECT_THAT(shown.metrics_text(), Not(HasSubstr("valkey_reconciler_problem{")));
}

TEST(MetricsTest, ASuspectedPrimaryIsNotKnown) {
  Shown shown({"shop"});
  shown.status.topology("shop", 1, suspected(topology_of("shop", "10.0.0.1", {0, 3, 1})));
  EXPECT_THAT(shown.metrics_text(), HasSubstr("group_known{group=\"shop\"} 0\n"));
}

TEST(MetricsTest, CountersOfChildrenHaveTheirTargetAndAProperName) {
  Shown shown({"shop"});
  ipc::Report watched;
  watched.counters = {{"failovers_total", "group", "shop", 3}};
  shown.status.report("sentinel-watcher", 1, watched, at_ms(0));
  ipc::Report counted;
  counted.counters = {{"patches_total", "result", "ok", 5},
                      {"odd name", "", "", 1},
                      {"x_total", "target", "mine", 2}};
  shown.status.report("file", 2, counted, at_ms(0));
  const std::string text = shown.metrics_text();
  EXPECT_THAT(text, HasSubstr("failovers_total{group=\"shop\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("failovers_total{group=\"shop\"} 0\n")));
  EXPECT_THAT(text, HasSubstr("patches_total{target=\"file\",result=\"ok\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("valkey_reconciler_odd_name_total{target=\"file\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("x_total{target=\"file\",plugin_target=\"mine\"} 2\n"));
}

TEST(MetricsTest, AreLinesOfUtf8WhateverTheNames) {
  Shown shown(odd_names);
  shown.in_sync();
  const std::string text = shown.metrics_text();
  EXPECT_TRUE(is_utf8(text));
  std::istringstream lines(text);
  std::set<std::string> known;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("# ") || line.starts_with("valkey_reconciler_")) << line;
    if (line.find("group_known{") != std::string::npos) known.insert(line);
  }
  EXPECT_EQ(known.size(), odd_names.size());
  EXPECT_TRUE(known.contains(R"(valkey_reconciler_group_known{group="a \"quoted\" \\ one"} 1)"));
  EXPECT_TRUE(known.contains(R"(valkey_reconciler_group_known{group="two\\x0alines"} 1)"));
}

TEST(ExpositionTest, SamplesOfAFamilyStandTogether) {
  Exposition out;
  out.family("b", Exposition::Type::gauge, "Help.").add({}, uint64_t{1});
  out.family("a", Exposition::Type::counter, "Help.").add({{"x", "1"}}, uint64_t{1});
  out.family("b", Exposition::Type::gauge, "Other.").add({{"y", "2"}}, 0.5);
  EXPECT_EQ(out.text(),
            "# HELP valkey_reconciler_a Help.\n# TYPE valkey_reconciler_a counter\n"
            "valkey_reconciler_a{x=\"1\"} 1\n"
            "# HELP valkey_reconciler_b Help.\n# TYPE valkey_reconciler_b gauge\n"
            "valkey_reconciler_b 1\nvalkey_reconciler_b{y=\"2\"} 0.5\n");
}

}  // namespace
}  // namespace reconciler
