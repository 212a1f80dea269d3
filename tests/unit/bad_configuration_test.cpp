// Each file in tests/process/bad_configurations is a wrong configuration, and says in its first lines what must be told of it;
// tests/process/test_bad_configuration.py gives the same ones to the program. The lines:
//   # expect: TEXT           the message has TEXT, where {file} stands for the file's path
//   # absent: TEXT           the message does not have TEXT
//   # environment: NAME=VALUE
//   # then: COUNT * HEX      in the place of the file's last line end, COUNT times these bytes
// A name that ends with `.env` has variables alone, and no configuration file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/config/loading.h"
#include "common/text.h"
#include "tests/unit/plugin_schemas.h"

namespace reconciler {
namespace {

namespace fs = std::filesystem;

struct BadConfiguration {
  std::string name;
  bool has_file = false;
  std::string bytes;
  Environment environment;
  std::vector<std::string> expected;
  std::vector<std::string> absent;
};

void PrintTo(const BadConfiguration& row, std::ostream* out) { *out << row.name; }

std::string repeated(const std::string& count_and_hex) {
  const std::vector<std::string> parts = split(count_and_hex, '*');
  std::string unit;
  for (std::size_t i = 0; i + 1 < parts.at(1).size(); i += 2) {
    unit += static_cast<char>(std::stoi(parts[1].substr(i, 2), nullptr, 16));
  }
  std::string out;
  for (int i = std::stoi(parts.at(0)); i > 0; --i) out += unit;
  return out;
}

BadConfiguration read_row(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream whole;
  whole << file.rdbuf();
  BadConfiguration row{path.stem().string(), path.extension() == ".toml", whole.str(), {}, {}, {}};
  for (std::string line; std::getline(whole, line) && line.starts_with("# ");) {
    const std::size_t colon = line.find(": ");
    const std::string what = line.substr(2, colon - 2);
    const std::string text = line.substr(colon + 2);
    if (what == "expect") {
      row.expected.push_back(text);
    } else if (what == "absent") {
      row.absent.push_back(text);
    } else if (what == "environment") {
      row.environment.emplace(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
    } else if (what == "then") {
      row.bytes.pop_back();
      row.bytes += repeated(text);
    } else {
      ADD_FAILURE() << path << ": " << line;
    }
  }
  return row;
}

std::vector<BadConfiguration> rows() {
  std::vector<BadConfiguration> all;
  for (const auto& entry :
       fs::directory_iterator(RECONCILER_SOURCE_DIR "/tests/process/bad_configurations")) {
    all.push_back(read_row(entry.path()));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

class BadConfigurationTest : public testing::TestWithParam<BadConfiguration> {};

TEST_P(BadConfigurationTest, is_refused_with_place_key_and_expectation) {
  const BadConfiguration& row = GetParam();
  const fs::path path = fs::path(testing::TempDir()) / ("bad_configuration_" + row.name + ".toml");
  std::ofstream(path, std::ios::binary) << row.bytes;
  const auto file = row.has_file ? std::optional(path.string()) : std::nullopt;

  const auto loaded = load_configuration(file, row.environment, test::describe);

  fs::remove(path);
  ASSERT_FALSE(loaded.ok());
  const std::string& message = loaded.error().message();
  ASSERT_FALSE(row.expected.empty());
  for (std::string expected : row.expected) {
    for (std::size_t at; (at = expected.find("{file}")) != std::string::npos;)
      expected.replace(at, 6, path.string());
    EXPECT_THAT(message, testing::HasSubstr(expected));
  }
  for (const std::string& absent : row.absent)
    EXPECT_THAT(message, testing::Not(testing::HasSubstr(absent)));
  EXPECT_THAT(message, testing::HasSubstr("expected")) << "says what would have been right";
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << "one mistake, one line:\n"
                                                                 << message;
}

INSTANTIATE_TEST_SUITE_P(Each, BadConfigurationTest, testing::ValuesIn(rows()),
                         [](const auto& row) { return row.param.name; });

TEST(BadConfigurations, there_are_more_than_thirty_and_hostile_ones_among_them) {
  const std::vector<BadConfiguration> all = rows();
  const auto hostile = std::count_if(
      all.begin(), all.end(), [](const auto& row) { return row.name.starts_with("hostile_"); });
  const auto by_variable = std::count_if(all.begin(), all.end(),
                                         [](const auto& row) { return !row.environment.empty(); });
  EXPECT_GE(all.size(), 36U);
  EXPECT_GE(hostile, 6);
  EXPECT_GE(by_variable, 10);
}

}  // namespace
}  // namespace reconciler
