// What load_configuration accepts, and what it makes of it. What it refuses: bad_configuration_test.cpp.
#include "common/config/loading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/plugin_schemas.h"

namespace reconciler {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string sentinel_table =
    "[[sentinel]]\nname = \"main\"\naddresses = [\"valkey\"]\n[[sentinel.group]]\nname = "
    "\"myprimary\"\n";
const std::string kubernetes_table = "[[target]]\nname = \"kubernetes\"\nplugin = \"kubernetes\"\n";
const std::string small_file = sentinel_table + kubernetes_table;

// Files of one test, in a folder of its own.
class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    std::string pattern = testing::TempDir() + "/configuration.XXXXXX";
    folder_ = fs::path(::mkdtemp(pattern.data())).lexically_normal();
  }
  ~ConfigurationTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& text, const std::string& name = "test.toml") {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  Result<Configuration> load(const std::string& text, const Environment& environment = {}) {
    return load_configuration(write(text), environment, test::describe);
  }

  fs::path folder_;
};

Configuration accepted(Result<Configuration> loaded) {
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message());
  return loaded.ok() ? std::move(loaded).value() : Configuration{};
}

std::string refused(const Result<Configuration>& loaded) {
  EXPECT_FALSE(loaded.ok());
  return loaded.ok() ? "" : loaded.error().message();
}

Setting setting(const TargetSettings& target, const std::string& name) {
  for (const Setting& candidate : target.settings) {
    if (candidate.name == name) return candidate;
  }
  ADD_FAILURE() << "no setting " << name;
  return {};
}

Configuration of_variables(const Environment& environment) {
  return accepted(load_configuration(std::nullopt, environment, test::describe));
}

TEST_F(ConfigurationTest, the_seven_variables_alone_make_the_whole_kubernetes_job) {
  const Configuration made = of_variables({{"VALKEY_SENTINEL_HOST", "vk-headless"},
                                           {"VALKEY_SENTINEL_PORT", "26380"},
                                           {"VALKEY_SENTINEL_PASSWORD", "s3cret"},
                                           {"VALKEY_MASTER_NAME", "shop"},
                                           {"POD_NAMESPACE", "store"},
                                           {"MASTER_POD_LABEL_NAME", "primary"},
                                           {"MASTER_POD_LABEL_VALUE", "yes"}});
  ASSERT_EQ(made.sentinels.size(), 1U);
  EXPECT_EQ(made.sentinels[0].name, "main");
  EXPECT_THAT(made.sentinels[0].addresses, ElementsAre(Endpoint{"vk-headless", 26380}));
  EXPECT_EQ(made.sentinels[0].access.password, "s3cret");
  EXPECT_THAT(made.sentinels[0].groups, ElementsAre(GroupSettings{.name = "shop"}));
  ASSERT_EQ(made.targets.size(), 1U);
  EXPECT_EQ(made.targets[0].name, "kubernetes");
  EXPECT_EQ(made.targets[0].plugin, "kubernetes");
  EXPECT_THAT(made.targets[0].groups, ElementsAre("shop"));
  EXPECT_EQ(setting(made.targets[0], "namespace").string, "store");
  EXPECT_EQ(setting(made.targets[0], "label").string, "primary");
  EXPECT_EQ(setting(made.targets[0], "value").string, "yes");
  EXPECT_TRUE(setting(made.targets[0], "value").given);
  EXPECT_EQ(setting(made.targets[0], "selector").string, "app.kubernetes.io/name=valkey");
  EXPECT_FALSE(setting(made.targets[0], "selector").given);
  EXPECT_EQ(made.file, "");
  EXPECT_THAT(made.notes, IsEmpty());
}

TEST_F(ConfigurationTest, the_host_alone_is_enough_and_the_rest_has_its_defaults) {
  const Configuration made =
      of_variables({{"VALKEY_SENTINEL_HOST", "a, b:1234 ,[fd00::7]:5, fd00:0::8"}});
  EXPECT_THAT(made.sentinels[0].addresses,
              ElementsAre(Endpoint{"a", 26379}, Endpoint{"b", 1234}, Endpoint{"fd00::7", 5},
                          Endpoint{"fd00::8", 26379}));
  EXPECT_THAT(made.sentinels[0].groups, ElementsAre(GroupSettings{.name = "myprimary"}));
  EXPECT_EQ(made.sentinels[0].access.password, "");
  EXPECT_EQ(made.http_listen, "127.0.0.1:8080");
  EXPECT_EQ(made.log, LogSettings{});
  EXPECT_EQ(made.supervision, SupervisionSettings{});
}

TEST_F(ConfigurationTest,
       http_listens_on_every_address_in_a_cluster_and_nowhere_where_the_variable_is_empty) {
  const Environment cluster{{"VALKEY_SENTINEL_HOST", "a"},
                            {"KUBERNETES_SERVICE_HOST", "10.96.0.1"}};
  EXPECT_EQ(of_variables(cluster).http_listen, "[::]:8080");
  Environment none = cluster;
  none["VALKEY_RECONCILER_HTTP"] = "";
  EXPECT_EQ(of_variables(none).http_listen, "");
  EXPECT_EQ(accepted(load(small_file + "[http]\nlisten = \"\"\n")).http_listen, "");
  EXPECT_EQ(
      accepted(load(small_file + "[http]\nlisten = \"127.0.0.1:9000\"\n", cluster)).http_listen,
      "127.0.0.1:9000");
  EXPECT_EQ(accepted(load(small_file + "[http]\nlisten = \"127.0.0.1:9000\"\n", none)).http_listen,
            "");
}

TEST_F(ConfigurationTest, several_groups_by_variable) {
  const Configuration made =
      of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_MASTER_NAME", "one, two words"}});
  EXPECT_THAT(made.sentinels[0].groups,
              ElementsAre(GroupSettings{.name = "one"}, GroupSettings{.name = "two words"}));
  EXPECT_THAT(made.targets[0].groups, ElementsAre("one", "two words"));
}

// A Service named `valkey-sentinel` makes these in each pod of its namespace, and one named `valkey-reconciler` likewise.
TEST_F(ConfigurationTest,
       variables_that_kubernetes_sets_for_services_are_neither_taken_nor_refused) {
  Environment environment{{"VALKEY_SENTINEL_HOST", "valkey-sentinel"}};
  for (const std::string service :
       {"VALKEY_SENTINEL", "VALKEY_RECONCILER", "VALKEY_SENTINEL_OTHER", "VALKEY_INSTANCE_0"}) {
    environment[service + "_SERVICE_HOST"] = "10.96.7.7";
    environment[service + "_SERVICE_PORT"] = "5000";
    environment[service + "_SERVICE_PORT_TCP_SENTINEL"] = "5000";
    environment[service + "_PORT"] = "tcp://10.96.7.7:5000";
    environment[service + "_PORT_5000_TCP"] = "tcp://10.96.7.7:5000";
    environment[service + "_PORT_5000_TCP_PROTO"] = "tcp";
    environment[service + "_PORT_5000_TCP_PORT"] = "5000";
    environment[service + "_PORT_5000_TCP_ADDR"] = "10.96.7.7";
    environment[service + "_PORT_53_UDP"] = "udp://10.96.7.7:53";
  }
  const Configuration made = of_variables(environment);
  EXPECT_THAT(made.sentinels[0].addresses, ElementsAre(Endpoint{"valkey-sentinel", 26379}));
  EXPECT_THAT(made.notes, ElementsAre(AllOf(HasSubstr("VALKEY_SENTINEL_PORT=tcp://10.96.7.7:5000"),
                                            HasSubstr("not taken as the port"))));
}

TEST_F(ConfigurationTest, a_variable_that_only_looks_like_a_services_is_refused) {
  for (const std::string name : {"VALKEY_SENTINEL_TLS_PORT", "VALKEY_SENTINEL_PORT_X_TCP",
                                 "VALKEY_SENTINEL_PORT_1_TCP_HOST"}) {
    const auto loaded = load_configuration(
        std::nullopt, Environment{{"VALKEY_SENTINEL_HOST", "a"}, {name, "26380"}}, test::describe);
    EXPECT_THAT(refused(loaded), HasSubstr(name + ": unknown variable"));
  }
}

TEST_F(ConfigurationTest, variables_of_later_versions_pass_where_they_ask_for_what_is_done_anyway) {
  const Configuration made = of_variables({{"VALKEY_SENTINEL_HOST", "a"},
                                           {"VALKEY_SENTINEL_TLS", "false"},
                                           {"VALKEY_SENTINEL_CA_FILE", ""},
                                           {"VALKEY_ACT_ON", "announcement"},
                                           {"VALKEY_INSTANCE_USERNAME", ""},
                                           {"SERVICE_NAME", ""}});
  EXPECT_THAT(made.notes, IsEmpty());
}

TEST_F(ConfigurationTest,
       a_variable_of_the_kubernetes_target_is_nobodys_where_there_is_no_such_target) {
  const std::string file =
      sentinel_table + "[[target]]\nname = \"f\"\nplugin = \"file\"\ndirectory = \"x\"\n";
  accepted(load(file, {{"SERVICE_NAME", "of-something-else"}, {"PUBLISH", "no-choice"}}));
}

TEST_F(ConfigurationTest, keys_of_later_versions_pass_where_they_ask_for_what_is_done_anyway) {
  accepted(
      load("[[sentinel]]\nname = \"main\"\naddresses = [\"a\"]\ntls = { enabled = false, ca_file = "
           "\"x\" }\n"
           "discover = false\n[[sentinel.group]]\nname = \"g\"\nact_on = "
           "\"announcement\"\ndemote_on = \"switch\"\n" +
           kubernetes_table));
}

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
[[sentinel.group]]
name = "a"
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
  const SentinelSettings one{
      .name = "one",
      .addresses = {{"10.0.0.1", 26379}, {"valkey-1.example.", 26380}},
      .access = {.username = "watcher", .password = "s3cret", .password_file = "", .tls = {}},
      .instances = {},
      .groups = {{.name = "a"}, {.name = "b"}},
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

TEST_F(ConfigurationTest, variables_go_over_the_file) {
  const Configuration made = accepted(
      load(small_file + "label = \"in-file\"\nvalue = \"in-file\"\n[log]\nlevel = \"error\"\n",
           {{"VALKEY_SENTINEL_HOST", "other:1,another"},
            {"VALKEY_SENTINEL_PORT", "7"},
            {"VALKEY_SENTINEL_USERNAME", "u"},
            {"VALKEY_MASTER_NAME", "x,y"},
            {"MASTER_POD_LABEL_NAME", "by-variable"},
            {"VALKEY_RECONCILER_LOG", "debug"},
            {"VALKEY_RECONCILER_LOG_FORMAT", "json"},
            {"VALKEY_RECONCILER_HTTP", "127.0.0.1:1"}}));
  EXPECT_THAT(made.sentinels[0].addresses,
              ElementsAre(Endpoint{"other", 1}, Endpoint{"another", 7}));
  EXPECT_EQ(made.sentinels[0].access.username, "u");
  EXPECT_THAT(made.targets[0].groups, ElementsAre("x", "y"));
  EXPECT_EQ(setting(made.targets[0], "label").string, "by-variable");
  EXPECT_EQ(setting(made.targets[0], "value").string, "in-file");
  EXPECT_EQ(made.log, (LogSettings{log::Level::debug, log::Format::json}));
  EXPECT_EQ(made.http_listen, "127.0.0.1:1");
}

TEST_F(ConfigurationTest, the_port_by_variable_goes_over_the_files_only_port) {
  const std::string file =
      "[[sentinel]]\nname = \"main\"\naddresses = [\"a:1\", \"b:1\"]\n[[sentinel.group]]\nname = "
      "\"g\"\n" +
      kubernetes_table;
  EXPECT_THAT(accepted(load(file, {{"VALKEY_SENTINEL_PORT", "2"}})).sentinels[0].addresses,
              ElementsAre(Endpoint{"a", 2}, Endpoint{"b", 2}));
}

TEST_F(ConfigurationTest, an_empty_variable_counts_as_not_set) {
  const Configuration made =
      accepted(load(small_file + "label = \"in-file\"\n", {{"VALKEY_SENTINEL_HOST", ""},
                                                           {"VALKEY_MASTER_NAME", ""},
                                                           {"MASTER_POD_LABEL_NAME", ""},
                                                           {"VALKEY_RECONCILER_LOG", ""}}));
  EXPECT_THAT(made.sentinels[0].addresses, ElementsAre(Endpoint{"valkey", 26379}));
  EXPECT_EQ(setting(made.targets[0], "label").string, "in-file");
}

TEST_F(ConfigurationTest, one_kind_of_password_by_variable_goes_over_both_kinds_of_the_file) {
  const auto file = [](const std::string& line) {
    return "[[sentinel]]\nname = \"main\"\naddresses = [\"a\"]\n" + line +
           "\n[[sentinel.group]]\nname = \"g\"\n" + kubernetes_table;
  };
  const SentinelSettings by_value =
      accepted(load(file("password_file = \"/f\""), {{"VALKEY_SENTINEL_PASSWORD", "v"}}))
          .sentinels[0];
  EXPECT_EQ(by_value.access.password, "v");
  EXPECT_EQ(by_value.access.password_file, "");
  const SentinelSettings by_file = accepted(load(file("password = \"in file\""),
                                                 {{"VALKEY_SENTINEL_PASSWORD_FILE", "relative"}}))
                                       .sentinels[0];
  EXPECT_EQ(by_file.access.password, "");
  EXPECT_EQ(by_file.access.password_file, "relative")
      << "a variable's path is relative to where the program was started";
}

TEST_F(ConfigurationTest, a_password_by_variable_may_be_any_bytes_and_is_never_shown) {
  EXPECT_EQ(
      of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_SENTINEL_PASSWORD", "\xff\r\n \"x"}})
          .sentinels[0]
          .access.password,
      "\xff\r\n \"x");
  const auto too_long = load_configuration(
      std::nullopt,
      {{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_SENTINEL_PASSWORD", std::string(5'000, 'Z')}},
      test::describe);
  EXPECT_THAT(
      refused(too_long),
      AllOf(HasSubstr("VALKEY_SENTINEL_PASSWORD: sentinel.password: is too long; expected at most"),
            Not(HasSubstr("ZZ"))));
}

TEST_F(ConfigurationTest, bytes_that_are_no_text_are_refused_in_other_variables) {
  for (const std::string name :
       {"VALKEY_SENTINEL_HOST", "VALKEY_MASTER_NAME", "VALKEY_SENTINEL_USERNAME", "POD_SELECTOR",
        "VALKEY_RECONCILER_HTTP", "VALKEY_RECONCILER_LOG"}) {
    Environment environment{{"VALKEY_SENTINEL_HOST", "a"}};
    environment[name] = "x\xff";
    EXPECT_THAT(refused(load_configuration(std::nullopt, environment, test::describe)),
                AllOf(HasSubstr(name + ": "), HasSubstr("not UTF-8; expected UTF-8"),
                      Not(HasSubstr("\xff"))));
  }
}

TEST_F(ConfigurationTest, paths_in_the_file_are_relative_to_its_folder) {
  const Configuration made = accepted(
      load("[[sentinel]]\nname = \"main\"\naddresses = [\"a\"]\npassword_file = "
           "\"secrets/../password\"\n"
           "[[sentinel.group]]\nname = \"g\"\n"
           "[[target]]\nname = \"t\"\nplugin = \"./sample.so\"\nfiles = [\"one\", \"/two\"]\n"));
  EXPECT_EQ(made.sentinels[0].access.password_file, (folder_ / "password").string());
  EXPECT_EQ(made.targets[0].plugin, (folder_ / "sample.so").string());
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
  EXPECT_THAT(setting(of_variables, "files").list, ElementsAre("c", "d"));
}

TEST_F(ConfigurationTest,
       a_secret_of_a_plugin_is_shown_neither_in_errors_nor_in_the_effective_configuration) {
  const std::string target = "[[target]]\nname = \"t\"\nplugin = \"sample\"\n";
  EXPECT_THAT(refused(load(sentinel_table + target + "token = 73313\n")), Not(HasSubstr("73313")));
  const Configuration made = accepted(load(sentinel_table + target + "token = \"s3cret\"\n"));
  EXPECT_TRUE(setting(made.targets[0], "token").secret);
  EXPECT_THAT(to_toml(made), AllOf(HasSubstr("token = \"***\""), Not(HasSubstr("s3cret"))));
}

TEST_F(ConfigurationTest, what_all_pods_are_given_goes_below_the_file_and_into_every_target) {
  const std::string second =
      "[[target]]\nname = \"second\"\nplugin = \"kubernetes\"\napi_host = \"10.9.9.9\"\n";
  const Configuration made =
      accepted(load(small_file + second, {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                          {"KUBERNETES_SERVICE_PORT", "6443"},
                                          {"NODE_NAME", "node-7"}}));
  EXPECT_EQ(setting(made.targets[0], "api_host").string, "10.96.0.1");
  EXPECT_EQ(setting(made.targets[1], "api_host").string, "10.9.9.9");
  EXPECT_EQ(setting(made.targets[1], "api_port").integer, 6443);
  EXPECT_EQ(setting(made.targets[0], "node_name").string, "node-7");
  EXPECT_EQ(setting(made.targets[1], "node_name").string, "node-7");
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
  const auto counting = [&](const std::string& plugin) {
    ++asked;
    return test::describe(plugin);
  };
  const std::string file =
      write(small_file + "[[target]]\nname = \"second\"\nplugin = \"kubernetes\"\n");
  accepted(load_configuration(file, {}, counting));
  EXPECT_EQ(asked, 1);
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
