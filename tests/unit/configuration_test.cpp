// What load_configuration makes of a file. Other subjects: configuration_variables_test.cpp, configuration_sentinels_test.cpp;
// what it refuses: bad_configuration_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/configuration_fixture.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(ConfigurationTest, every_key_of_the_file_arrives) {
  const Configuration made = accepted(load(R"(
[[sentinel]]
name = "one"
addresses = ["10.0.0.1", "valkey-1.example.:26380"]
username = "watcher"
password = "s3cret"
poll_interval = "1s"
connect_timeout = "300ms"
reply_timeout = "400ms"
backoff_min = "50ms"
backoff_max = "1m"
resolve_interval = "1h"
discover = false
tls = { ca_file = "/ca", cert_file = "/cert", key_file = "/key", server_name = "sentinel" }
[sentinel.instances]
username = "asker"
password = "0ther"
tls = { insecure_skip_verify = true }
[[sentinel.group]]
name = "a"
act_on = "promotion"
demote_on = "odown"
reset_after = "1m"
[[sentinel.group]]
name = "b"

[[sentinel]]
name = "two"
addresses = ["[fd00::1]"]
password_file = "/run/secrets/password"
[[sentinel.group]]
name = "c"

[[target]]
name = "cluster"
plugin = "kubernetes"
groups = ["c", "a"]
deadline = "1s"
retry_min = "20ms"
retry_max = "2s"
namespace = "shop"
api_port = 6443
request_timeout = "1m"

[[target]]
name = "files"
plugin = "file"
directory = "/var/lib/files"

[http]
listen = "[::1]:9090"
[log]
level = "debug"
format = "json"
[supervision]
heartbeat_interval = "1s"
heartbeat_deadline = "2s"
ready_timeout = "3s"
stable_after = "4s"
backoff_min = "200ms"
backoff_max = "5s"
)"));
  ASSERT_EQ(made.sentinels.size(), 2U);
  const SentinelSettings one{.name = "one",
                             .addresses = {{"10.0.0.1", 26379}, {"valkey-1.example.", 26380}},
                             .access = {.username = "watcher",
                                        .password = "s3cret",
                                        .password_file = "",
                                        .tls = {.enabled = true,
                                                .ca_file = "/ca",
                                                .cert_file = "/cert",
                                                .key_file = "/key",
                                                .server_name = "sentinel"}},
                             .ask_instances = true,
                             .instances = {.username = "asker",
                                           .password = "0ther",
                                           .password_file = "",
                                           .tls = {.enabled = true,
                                                   .ca_file = "",
                                                   .cert_file = "",
                                                   .key_file = "",
                                                   .server_name = "",
                                                   .insecure_skip_verify = true}},
                             .discover = false,
                             .groups = {{.name = "a",
                                         .act_on = ActOn::promotion,
                                         .demote_on = DemoteOn::odown,
                                         .reset_after = 60'000},
                                        {.name = "b"}},
                             .poll_interval = 1'000,
                             .connect_timeout = 300,
                             .reply_timeout = 400,
                             .backoff_min = 50,
                             .backoff_max = 60'000,
                             .resolve_interval = 3'600'000};
  EXPECT_EQ(made.sentinels[0], one);
  EXPECT_EQ(made.sentinels[1].access.password_file, "/run/secrets/password");
  EXPECT_THAT(made.sentinels[1].addresses, ElementsAre(Endpoint{"fd00::1", 26379}));
  ASSERT_EQ(made.targets.size(), 2U);
  EXPECT_THAT(made.targets[0].groups, ElementsAre("c", "a"));
  EXPECT_EQ(made.targets[0].deadline, 1'000);
  EXPECT_EQ(made.targets[0].retry_min, 20);
  EXPECT_EQ(made.targets[0].retry_max, 2'000);
  EXPECT_EQ(setting(made.targets[0], "api_port").integer, 6443);
  EXPECT_EQ(setting(made.targets[0], "request_timeout").integer, 60'000);
  EXPECT_EQ(setting(made.targets[0], "resync").integer, 300'000);
  EXPECT_THAT(made.targets[1].groups, ElementsAre("a", "b", "c"));
  EXPECT_EQ(made.http_listen, "[::1]:9090");
  EXPECT_EQ(made.log, (LogSettings{log::Level::debug, log::Format::json}));
  EXPECT_EQ(made.supervision, (SupervisionSettings{1'000, 2'000, 3'000, 4'000, 200, 5'000}));
}

TEST_F(ConfigurationTest, paths_in_the_file_are_relative_to_its_folder) {
  const Configuration made = accepted(
      load("[[sentinel]]\nname = \"main\"\naddresses = [\"a\"]\npassword_file = "
           "\"secrets/../password\"\n"
           "[[sentinel.group]]\nname = \"g\"\n"
           "[[target]]\nname = \"t\"\nplugin = \"./sample.so\"\nfiles = [\"one\", \"/two\"]\n"));
  EXPECT_EQ(made.sentinels[0].access.password_file, (folder_ / "secrets/../password").string())
      << "behind a link that is another place";
  EXPECT_EQ(made.targets[0].plugin, (folder_ / "./sample.so").string());
  EXPECT_THAT(setting(made.targets[0], "files").list,
              ElementsAre((folder_ / "one").string(), "/two"));
}

TEST_F(ConfigurationTest, each_type_of_a_plugins_key_is_read_from_file_and_variable_and_default) {
  const std::string target = "[[target]]\nname = \"t\"\nplugin = \"sample\"\n";
  const TargetSettings defaults = accepted(load(sentinel_table + target)).targets[0];
  EXPECT_EQ(setting(defaults, "count").integer, 3);
  EXPECT_EQ(setting(defaults, "dry").integer, 1);
  EXPECT_EQ(setting(defaults, "wait").integer, 250);
  EXPECT_THAT(setting(defaults, "files").list, ElementsAre("a", "b"));
  EXPECT_FALSE(setting(defaults, "files").given);

  const TargetSettings of_file =
      accepted(load(sentinel_table + target +
                    "text = \"x\"\ncount = -4\ndry = false\nwait = \"2m\"\nfiles = []\n"))
          .targets[0];
  EXPECT_EQ(setting(of_file, "text").string, "x");
  EXPECT_EQ(setting(of_file, "count").integer, -4);
  EXPECT_EQ(setting(of_file, "dry").integer, 0);
  EXPECT_EQ(setting(of_file, "wait").integer, 120'000);
  EXPECT_THAT(setting(of_file, "files").list, IsEmpty());

  const TargetSettings of_variables =
      accepted(load(sentinel_table + target, {{"SAMPLE_TEXT", "y"},
                                              {"SAMPLE_COUNT", "5"},
                                              {"SAMPLE_DRY", "false"},
                                              {"SAMPLE_WAIT", "1h"},
                                              {"SAMPLE_FILES", "c, d"}}))
          .targets[0];
  EXPECT_EQ(setting(of_variables, "text").string, "y");
  EXPECT_EQ(setting(of_variables, "count").integer, 5);
  EXPECT_EQ(setting(of_variables, "dry").integer, 0);
  EXPECT_EQ(setting(of_variables, "wait").integer, 3'600'000);
  EXPECT_THAT(setting(of_variables, "files").list, ElementsAre(started_in("c"), started_in("d")));
}

TEST_F(ConfigurationTest,
       a_secret_of_a_plugin_is_shown_neither_in_errors_nor_in_the_effective_configuration) {
  const std::string target = "[[target]]\nname = \"t\"\nplugin = \"sample\"\n";
  EXPECT_THAT(refused(load(sentinel_table + target + "token = 73313\n")), Not(HasSubstr("73313")));
  const Configuration made = accepted(load(sentinel_table + target + "token = \"s3cret\"\n"));
  EXPECT_TRUE(setting(made.targets[0], "token").secret);
  EXPECT_THAT(to_toml(made), AllOf(HasSubstr("token = \"***\""), Not(HasSubstr("s3cret"))));
}

TEST_F(ConfigurationTest, a_group_that_no_target_serves_is_noted) {
  const Configuration made =
      accepted(load(sentinel_table + "[[sentinel.group]]\nname = \"forgotten\"\n" +
                    kubernetes_table + "groups = [\"myprimary\"]\n"));
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("group \"forgotten\" is served by no target")));
}

TEST_F(ConfigurationTest, all_mistakes_are_told_at_once_in_the_order_of_the_file) {
  const std::string message =
      refused(load("[[sentinel]]\nname = \"a b\"\naddresses = [\"x:0\", \"y:y\"]\nfoo = 1\n" +
                   kubernetes_table + "[log]\nlevel = 1\nformat = 2\n"));
  std::vector<std::string> lines;
  std::istringstream text(message);
  for (std::string line; std::getline(text, line);)
    lines.push_back(line.substr(line.find(".toml:") + 6));
  EXPECT_THAT(
      lines,
      ElementsAre(HasSubstr("1:1: sentinel.group: is missing"), HasSubstr("2:8: sentinel.name:"),
                  HasSubstr("3:14: sentinel.addresses:"), HasSubstr("3:21: sentinel.addresses:"),
                  HasSubstr("4:1: sentinel.foo: unknown key"), HasSubstr("9:9: log.level:"),
                  HasSubstr("10:10: log.format:")));
}

TEST_F(ConfigurationTest, of_many_mistakes_twenty_are_told) {
  std::string file = small_file;
  for (int i = 0; i < 50; ++i) file += "wrong" + std::to_string(i) + " = 1\n";
  const std::string message = refused(load(file));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20);
  EXPECT_THAT(message, testing::EndsWith("\n... and 30 more"));
}

TEST_F(ConfigurationTest, a_column_counts_characters_not_bytes) {
  EXPECT_THAT(refused(load("[[sentinel]]\nname = \"main\"\naddresses = [\"äöü\", "
                           "7]\n[[sentinel.group]]\nname = \"g\"\n" +
                           kubernetes_table)),
              HasSubstr(":3:21: sentinel.addresses: is an integer"));
}

TEST_F(ConfigurationTest, a_file_that_cannot_be_read_says_why) {
  const auto message = [&](const std::string& path) {
    return refused(load_configuration(path, {}, test::describe));
  };
  EXPECT_THAT(message((folder_ / "none.toml").string()),
              AllOf(HasSubstr("none.toml: cannot be read: No such file"),
                    HasSubstr("expected a configuration file")));
  EXPECT_THAT(message(folder_.string()), HasSubstr("it is a folder"));
  EXPECT_THAT(message("/dev/zero"), HasSubstr("it is no regular file"));
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(message(pipe), HasSubstr("it is no regular file"));
}

TEST_F(ConfigurationTest, an_empty_file_and_one_with_a_byte_order_mark_are_toml) {
  EXPECT_THAT(refused(load("")), HasSubstr("sentinel: is missing"));
  accepted(load("\xef\xbb\xbf" + small_file));
  accepted(load(std::string(small_file).replace(0, 12, "[[sentinel]]\r")));
}

TEST_F(ConfigurationTest, a_plugin_is_asked_once_for_all_its_targets) {
  int asked = 0;
  const auto counting = [&](const std::string& plugin, int64_t) {
    ++asked;
    return test::describe(plugin);
  };
  const std::string file =
      write(small_file + "[[target]]\nname = \"second\"\nplugin = \"kubernetes\"\n");
  accepted(load_configuration(file, {}, counting));
  EXPECT_EQ(asked, 1);
}

TEST_F(ConfigurationTest, a_plugin_may_take_as_long_to_be_described_as_a_child_to_be_ready) {
  int64_t given_ms = 0;
  const auto noting = [&](const std::string& plugin, int64_t within_ms) {
    given_ms = within_ms;
    return test::describe(plugin);
  };
  accepted(load_configuration(write(small_file), {}, noting));
  EXPECT_EQ(given_ms, SupervisionSettings{}.ready_timeout);
  const std::string patient = small_file + "[supervision]\nready_timeout = \"90s\"\n";
  accepted(load_configuration(write(patient), {}, noting));
  EXPECT_EQ(given_ms, 90'000);
}

TEST_F(ConfigurationTest, the_effective_configuration_can_be_read_again_and_is_the_same) {
  const Configuration made = accepted(
      load(sentinel_table + kubernetes_table +
           "groups = [\"myprimary\"]\nlabel = \"quo\\\"te\\u0007\"\n" +
           "[[target]]\nname = \"f\"\nplugin = \"file\"\ndirectory = \"out\"\n" +
           "[[target]]\nname = \"s\"\nplugin = \"sample\"\nfiles = [\"x\"]\nwait = \"90s\"\n"));
  const Configuration again = accepted(load(to_toml(made)));
  EXPECT_EQ(to_toml(again), to_toml(made));
  EXPECT_EQ(again.sentinels, made.sentinels);
  EXPECT_EQ(again.http_listen, made.http_listen);
  EXPECT_EQ(again.log, made.log);
  EXPECT_EQ(again.supervision, made.supervision);
  ASSERT_EQ(again.targets.size(), made.targets.size());
  for (std::size_t i = 0; i < made.targets.size(); ++i) {
    for (const Setting& before : made.targets[i].settings) {
      const Setting after = setting(again.targets[i], before.name);
      EXPECT_EQ(after.string, before.string) << before.name;
      EXPECT_EQ(after.integer, before.integer) << before.name;
    }
  }
}

TEST_F(ConfigurationTest, the_effective_configuration_has_no_password_in_it) {
  const std::string shown = to_toml(
      of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_SENTINEL_PASSWORD", "s3cret"}}));
  EXPECT_THAT(shown, AllOf(HasSubstr("password = \"***\""), Not(HasSubstr("s3cret"))));
}

}  // namespace
}  // namespace reconciler
