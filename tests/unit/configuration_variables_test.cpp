// What load_configuration makes of the environment, alone and over a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/configuration_fixture.h"

namespace reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

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

TEST_F(ConfigurationTest,
       a_variable_of_the_kubernetes_target_is_nobodys_where_there_is_no_such_target) {
  const std::string file =
      sentinel_table + "[[target]]\nname = \"f\"\nplugin = \"file\"\ndirectory = \"x\"\n";
  accepted(load(file, {{"SERVICE_NAME", "of-something-else"}, {"PUBLISH", "no-choice"}}));
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

TEST_F(ConfigurationTest, the_control_sockets_variable_is_left_to_whoever_reads_it) {
  const Configuration made = of_variables(
      {{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_RECONCILER_SOCKET", "/run/x/control.sock"}});
  EXPECT_THAT(made.notes, IsEmpty());
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
  EXPECT_EQ(by_file.access.password_file, started_in("relative"));
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

}  // namespace
}  // namespace reconciler
