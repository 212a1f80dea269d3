// How Sentinels and instances are reached, and how much proof of a new primary is wanted: file and variables together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/configuration_fixture.h"

namespace reconciler {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A file with these keys of the set and of its only group.
std::string file(const std::string& set, const std::string& group = "") {
  return "[[sentinel]]\nname = \"main\"\naddresses = [\"valkey\"]\n" + set +
         "\n[[sentinel.group]]\nname = \"g\"\n" + group + "\n" + kubernetes_table;
}

// Of a connection that a variable may ask for.
TlsSettings tls_settings(bool enabled, const std::string& ca_file = "", bool insecure = false) {
  TlsSettings tls;
  tls.enabled = enabled;
  tls.ca_file = ca_file;
  tls.insecure_skip_verify = insecure;
  return tls;
}

using SentinelConfigurationTest = ConfigurationTest;

TEST_F(SentinelConfigurationTest, without_a_word_there_is_no_tls_and_no_instance_is_asked) {
  const SentinelSettings set = accepted(load(small_file)).sentinels.at(0);
  EXPECT_EQ(set.access, AccessSettings{});
  EXPECT_FALSE(set.ask_instances);
  EXPECT_TRUE(set.discover);
  EXPECT_THAT(set.groups, ElementsAre(GroupSettings{.name = "myprimary",
                                                    .act_on = ActOn::announcement,
                                                    .demote_on = DemoteOn::primary_switch,
                                                    .reset_after = 10'000}));
}

TEST_F(SentinelConfigurationTest, a_table_that_is_there_means_tls_unless_it_says_otherwise) {
  for (const std::string tls :
       {"tls = {}", "tls = { ca_file = \"ca\" }", "tls.server_name = \"valkey\"", "[sentinel.tls]",
        "[sentinel.tls]\ncert_file = \"c\"\nkey_file = \"k\"", "tls = { enabled = true }"}) {
    EXPECT_TRUE(accepted(load(file(tls))).sentinels.at(0).access.tls.enabled) << tls;
  }
  const std::string off = "enabled = false, ca_file = \"ca\", cert_file = \"c\", ";
  const Configuration made =
      accepted(load(file("tls = { " + off + "insecure_skip_verify = true }")));
  EXPECT_FALSE(made.sentinels.at(0).access.tls.enabled);
  EXPECT_THAT(made.notes, IsEmpty()) << "what is off is no danger";
}

TEST_F(SentinelConfigurationTest, paths_of_tls_in_the_file_are_relative_to_its_folder) {
  const std::string tls =
      "tls = { ca_file = \"ca.pem\", cert_file = \"/c.pem\", key_file = \"k\" }";
  const SentinelSettings set =
      accepted(load(file(tls + "\ninstances = { password_file = \"p\", " + tls + " }")))
          .sentinels.at(0);
  const TlsSettings expected{.enabled = true,
                             .ca_file = (folder_ / "ca.pem").string(),
                             .cert_file = "/c.pem",
                             .key_file = (folder_ / "k").string(),
                             .server_name = ""};
  EXPECT_EQ(set.access.tls, expected);
  EXPECT_EQ(set.instances.tls, expected);
  EXPECT_EQ(set.instances.password_file, (folder_ / "p").string());
  EXPECT_EQ(accepted(load(file("tls.enabled = true"), {{"VALKEY_SENTINEL_CA_FILE", "ca.pem"}}))
                .sentinels.at(0)
                .access.tls.ca_file,
            started_in("ca.pem"));
}

TEST_F(SentinelConfigurationTest, tls_by_variable) {
  const auto tls = [](const std::string& value) {
    return of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_SENTINEL_TLS", value}})
        .sentinels.at(0)
        .access.tls;
  };
  EXPECT_EQ(tls(""), TlsSettings{});
  EXPECT_EQ(tls("false"), TlsSettings{});
  EXPECT_EQ(tls("true"), tls_settings(true));
  EXPECT_EQ(tls("insecure"), tls_settings(true, "", true));
  EXPECT_EQ(of_variables({{"VALKEY_SENTINEL_HOST", "a"},
                          {"VALKEY_SENTINEL_TLS", "true"},
                          {"VALKEY_SENTINEL_CA_FILE", "/ca"}})
                .sentinels.at(0)
                .access.tls,
            tls_settings(true, "/ca"));
}

TEST_F(SentinelConfigurationTest, tls_by_variable_goes_over_the_file) {
  const auto tls = [&](const std::string& in_file, const Environment& environment) {
    return accepted(load(file(in_file), environment)).sentinels.at(0).access.tls;
  };
  EXPECT_EQ(tls("tls = { ca_file = \"/ca\" }", {{"VALKEY_SENTINEL_TLS", "false"}}),
            tls_settings(false, "/ca"));
  EXPECT_EQ(tls("tls = { enabled = false, ca_file = \"/ca\" }", {{"VALKEY_SENTINEL_TLS", "true"}}),
            tls_settings(true, "/ca"));
  EXPECT_EQ(tls("tls = { ca_file = \"/ca\" }", {{"VALKEY_SENTINEL_CA_FILE", "/other"}}),
            tls_settings(true, "/other"));
  EXPECT_EQ(tls("tls = { insecure_skip_verify = true }", {{"VALKEY_SENTINEL_TLS", "true"}}),
            tls_settings(true))
      << "\"true\" is to be verified";
}

TEST_F(SentinelConfigurationTest, a_server_name_is_a_host_in_its_canonical_form) {
  EXPECT_EQ(
      accepted(load(file("tls.server_name = \"fd00:0::8\""))).sentinels[0].access.tls.server_name,
      "fd00::8");
  EXPECT_THAT(refused(load(file("tls.server_name = \"valkey:6379\""))),
              HasSubstr(":4:19: sentinel.tls.server_name: \"valkey:6379\" is no host; expected"));
}

TEST_F(SentinelConfigurationTest, instances_are_asked_where_anything_is_said_of_them) {
  for (const std::string instances :
       {"instances = {}", "[sentinel.instances]", "instances.username = \"\"",
        "instances = { tls = { enabled = false } }"}) {
    const SentinelSettings set = accepted(load(file(instances))).sentinels.at(0);
    EXPECT_TRUE(set.ask_instances) << instances;
    EXPECT_EQ(set.instances, AccessSettings{}) << instances;
  }
  const SentinelSettings by_user =
      of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_INSTANCE_USERNAME", "asker"}})
          .sentinels.at(0);
  EXPECT_TRUE(by_user.ask_instances);
  EXPECT_EQ(by_user.instances.username, "asker");
  EXPECT_EQ(by_user.access.username, "");
  const SentinelSettings by_file = accepted(load(file("instances = { password = \"in file\" }"),
                                                 {{"VALKEY_INSTANCE_PASSWORD_FILE", "p"}}))
                                       .sentinels.at(0);
  EXPECT_TRUE(by_file.ask_instances);
  EXPECT_EQ(by_file.instances.password, "");
  EXPECT_EQ(by_file.instances.password_file, started_in("p"));
  EXPECT_FALSE(of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_INSTANCE_USERNAME", ""}})
                   .sentinels.at(0)
                   .ask_instances);
}

TEST_F(SentinelConfigurationTest, tls_of_the_sentinels_is_not_that_of_the_instances) {
  const Configuration made =
      accepted(load(file("tls.enabled = true\ninstances = { password_file = \"p\" }")));
  EXPECT_FALSE(made.sentinels.at(0).instances.tls.enabled);
  EXPECT_THAT(made.notes,
              ElementsAre(AllOf(HasSubstr("\"main\""), HasSubstr("instances' password"))));
  EXPECT_THAT(accepted(load(file("tls.enabled = true\ninstances = { password_file = \"p\", tls = { "
                                 "enabled = true } }")))
                  .notes,
              IsEmpty());
}

TEST_F(SentinelConfigurationTest, how_much_proof_by_variable_holds_for_all_groups_by_variable) {
  const Configuration made = of_variables({{"VALKEY_SENTINEL_HOST", "a"},
                                           {"VALKEY_MASTER_NAME", "one,two"},
                                           {"VALKEY_ACT_ON", "agreement"}});
  EXPECT_THAT(made.sentinels.at(0).groups,
              ElementsAre(GroupSettings{.name = "one", .act_on = ActOn::agreement},
                          GroupSettings{.name = "two", .act_on = ActOn::agreement}));
  EXPECT_THAT(of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_ACT_ON", "agreement"}})
                  .sentinels.at(0)
                  .groups,
              ElementsAre(GroupSettings{.name = "myprimary", .act_on = ActOn::agreement}));
}

TEST_F(SentinelConfigurationTest, names_by_variable_take_the_place_of_the_files_name_alone) {
  const std::string group = "act_on = \"agreement\"\ndemote_on = \"odown\"\nreset_after = \"20s\"";
  const GroupSettings in_file{
      .name = "g", .act_on = ActOn::agreement, .demote_on = DemoteOn::odown, .reset_after = 20'000};
  EXPECT_THAT(accepted(load(file("", group))).sentinels.at(0).groups, ElementsAre(in_file));
  GroupSettings one = in_file;
  one.name = "one";
  GroupSettings two = in_file;
  two.name = "two";
  EXPECT_THAT(
      accepted(load(file("", group), {{"VALKEY_MASTER_NAME", "one,two"}})).sentinels.at(0).groups,
      ElementsAre(one, two));
  one.act_on = ActOn::announcement;
  EXPECT_THAT(accepted(load(file("", group),
                            {{"VALKEY_MASTER_NAME", "one"}, {"VALKEY_ACT_ON", "announcement"}}))
                  .sentinels.at(0)
                  .groups,
              ElementsAre(one));
}

TEST_F(SentinelConfigurationTest, promotion_counts_where_it_is_in_effect) {
  const std::string promotion = "act_on = \"promotion\"";
  accepted(load(file("", promotion), {{"VALKEY_ACT_ON", "agreement"}}));
  accepted(load(file("", promotion), {{"VALKEY_INSTANCE_USERNAME", "asker"}}));
  accepted(load(file("instances = {}"), {{"VALKEY_ACT_ON", "promotion"}}));
  EXPECT_THAT(refused(load(file(""), {{"VALKEY_ACT_ON", "promotion"}})),
              testing::StartsWith("VALKEY_ACT_ON: sentinel.group.act_on: is \"promotion\""));
}

TEST_F(SentinelConfigurationTest, promotion_and_unverified_certificates_are_noted) {
  const Configuration made = accepted(load(
      file("tls.insecure_skip_verify = true\ninstances.tls.insecure_skip_verify = true",
           "act_on = \"promotion\"\n[[sentinel.group]]\nname = \"h\"\nact_on = \"promotion\"")));
  EXPECT_THAT(made.notes,
              ElementsAre(AllOf(HasSubstr("group \"g\" and 1 more"),
                                HasSubstr("\"promotion\" is meant for a few")),
                          AllOf(HasSubstr("Sentinels \"main\""), HasSubstr("not verified")),
                          AllOf(HasSubstr("instances of \"main\""), HasSubstr("not verified"))));
  EXPECT_THAT(
      of_variables({{"VALKEY_SENTINEL_HOST", "a"}, {"VALKEY_SENTINEL_TLS", "insecure"}}).notes,
      ElementsAre(HasSubstr("not verified")));
}

TEST_F(SentinelConfigurationTest, what_is_in_effect_can_be_read_again_and_hides_both_passwords) {
  const Configuration made = accepted(load(
      file("username = \"u\"\npassword = \"s3cret\"\ndiscover = false\n"
           "tls = { ca_file = \"ca\", cert_file = \"c\", key_file = \"k\", server_name = \"s\" }\n"
           "instances = { username = \"i\", password = \"0ther\", tls = { "
           "insecure_skip_verify = true } }",
           "act_on = \"promotion\"\ndemote_on = \"odown\"\nreset_after = \"90s\"")));
  const std::string shown = to_toml(made);
  EXPECT_THAT(shown, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("0ther"))));
  SentinelSettings expected = made.sentinels.at(0);
  expected.access.password = "***";
  expected.instances.password = "***";
  EXPECT_THAT(accepted(load(shown)).sentinels, ElementsAre(expected));
}

TEST_F(SentinelConfigurationTest, that_instances_are_not_asked_is_shown_and_stays_so) {
  const std::string shown = to_toml(accepted(load(small_file)));
  EXPECT_THAT(shown, HasSubstr("# The instances are not asked for their ROLE.\n# instances."));
  EXPECT_FALSE(accepted(load(shown)).sentinels.at(0).ask_instances);
  const std::string asked = to_toml(accepted(load(file("instances = {}"))));
  EXPECT_THAT(asked, HasSubstr("\ninstances.username = \"\"\n"));
  EXPECT_TRUE(accepted(load(asked)).sentinels.at(0).ask_instances);
}

}  // namespace
}  // namespace reconciler
