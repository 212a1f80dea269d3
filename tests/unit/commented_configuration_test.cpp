// etc/valkey-reconciler.toml, which users start from: it is accepted as it is, and each key that it shows is a key with the
// default that it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/config/loading.h"
#include "tests/unit/plugin_schemas.h"

namespace reconciler {
namespace {

const std::string path = RECONCILER_SOURCE_DIR "/etc/valkey-reconciler.toml";

std::string commented() {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// With the "# " taken off each line that is a key.
std::string uncommented(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    const bool is_key =
        line.starts_with("# ") && equals != std::string::npos &&
        line.substr(2, equals - 2).find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") ==
            std::string::npos;
    out += (is_key ? line.substr(2) : line) + "\n";
  }
  return out;
}

TEST(CommentedConfiguration, is_accepted_as_it_is) {
  const auto loaded = load_configuration(path, {}, test::describe);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  EXPECT_THAT(loaded->notes, testing::IsEmpty());
  EXPECT_EQ(loaded->targets.at(0).plugin, "kubernetes");
}

TEST(CommentedConfiguration, shows_each_key_with_its_default) {
  const auto defaults = load_configuration(path, {}, test::describe);
  ASSERT_TRUE(defaults.ok()) << defaults.error().message();
  // The examples of other targets stand last among the targets: their keys are those of other plugins.
  std::string text = uncommented(commented());
  const std::size_t second = text.find("# [[target]]");
  ASSERT_NE(second, std::string::npos);
  text.erase(second, text.find("[http]") - second);
  const std::string file = testing::TempDir() + "/uncommented.toml";
  std::ofstream(file) << text;

  const auto shown = load_configuration(file, {}, test::describe);

  ASSERT_TRUE(shown.ok()) << shown.error().message();
  std::vector<SentinelSettings> sentinels = defaults->sentinels;
  for (SentinelSettings& set : sentinels) set.ask_instances = true;  // since its keys are there
  EXPECT_EQ(shown->sentinels, sentinels);
  EXPECT_EQ(shown->http_listen, defaults->http_listen);
  EXPECT_EQ(shown->log, defaults->log);
  EXPECT_EQ(shown->supervision, defaults->supervision);
  ASSERT_EQ(shown->targets.size(), 1U);
  EXPECT_EQ(shown->targets[0].groups, defaults->targets[0].groups);
  EXPECT_EQ(shown->targets[0].deadline, defaults->targets[0].deadline);
  EXPECT_EQ(shown->targets[0].retry_min, defaults->targets[0].retry_min);
  EXPECT_EQ(shown->targets[0].retry_max, defaults->targets[0].retry_max);
  for (std::size_t i = 0; i < shown->targets[0].settings.size(); ++i) {
    const Setting& setting = shown->targets[0].settings[i];
    EXPECT_TRUE(setting.given) << setting.name << " is not in the file";
    EXPECT_EQ(setting.string, defaults->targets[0].settings[i].string) << setting.name;
    EXPECT_EQ(setting.integer, defaults->targets[0].settings[i].integer) << setting.name;
  }
}

TEST(CommentedConfiguration, shows_each_key_that_there_is) {
  const auto defaults = load_configuration(path, {}, test::describe);
  ASSERT_TRUE(defaults.ok()) << defaults.error().message();
  const std::string text = "\n" + uncommented(commented());
  std::istringstream lines(to_toml(*defaults));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) line.erase(0, 2);
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    EXPECT_THAT(text, testing::HasSubstr("\n" + line.substr(0, equals) + " = "));
  }
}

}  // namespace
}  // namespace reconciler
