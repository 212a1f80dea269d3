#include "plugins/kubernetes/kubeconfig_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "plugins/kubernetes/credentials.h"

namespace reconciler {

namespace {

// yaml-cpp recurses: a file deeper than this is refused before it is parsed.
constexpr int deepest_nesting = 64;

std::string place(const std::string& file, const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? file : fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

// Opening brackets and the deepest indentation bound how deep the parser can get.
bool is_too_deep(const std::string& text) {
  int open = 0;
  int dashes = 0;
  size_t column = 0;
  bool indenting = true;
  for (const char c : text) {
    if (c == '\n') {
      column = 0;
      dashes = 0;
      indenting = true;
      continue;
    }
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (indenting && (c == '-' || c == '?')) ++dashes;
    if (indenting && c != ' ' && c != '-' && c != '?') {
      indenting = false;
      if (column > 16u * deepest_nesting) return true;
    }
    ++column;
    if (open > deepest_nesting || dashes > deepest_nesting) return true;
  }
  return false;
}

Result<void> merge_named(const YAML::Node& root, const char* list, const char* item,
                         const std::string& file, std::map<std::string, KubeconfigEntry>& into) {
  const YAML::Node entries = root[list];
  if (!entries || entries.IsNull()) return {};
  if (!entries.IsSequence()) {
    return Error(fmt::format("{}: {}: a list expected", place(file, entries), list));
  }
  for (const YAML::Node& named : entries) {
    if (!named.IsMap() || !named["name"] || !named["name"].IsScalar() || !named[item] ||
        !named[item].IsMap()) {
      return Error(fmt::format("{}: {}: `name` and `{}` expected", place(file, named), list, item));
    }
    into.try_emplace(named["name"].Scalar(), KubeconfigEntry{named[item], file});
  }
  return {};
}

Result<void> merge_file(const std::string& path, KubeconfigFiles& merged) {
  Result<std::string> text = read_small_file(path, 4u << 20);
  if (!text) return text.error();
  if (is_too_deep(*text)) return Error(path + ": nested too deep");
  YAML::Node root;
  try {
    root = YAML::Load(*text);
  } catch (const YAML::Exception& error) {
    return Error(
        fmt::format("{}:{}:{}: {}", path, error.mark.line + 1, error.mark.column + 1, error.msg));
  }
  if (root.IsNull()) return {};
  if (!root.IsMap()) return Error(path + ": no kubeconfig");
  if (merged.context.empty()) {
    Result<std::optional<std::string>> current =
        KubeconfigEntry{root, path}.text("current-context");
    if (!current) return current.error();
    if (*current) {
      merged.context = **current;
      merged.context_file = path;
    }
  }
  for (Result<void> done : {merge_named(root, "contexts", "context", path, merged.contexts),
                            merge_named(root, "clusters", "cluster", path, merged.clusters),
                            merge_named(root, "users", "user", path, merged.users)}) {
    if (!done) return done;
  }
  return {};
}

}  // namespace

Error KubeconfigEntry::wrong(const std::string& what) const {
  return Error(fmt::format("{}: {}", place(file, node), what));
}

Result<std::optional<std::string>> KubeconfigEntry::text(const char* key) const {
  const YAML::Node value = node[key];
  if (!value || value.IsNull()) return std::optional<std::string>();
  if (!value.IsScalar()) {
    return Error(fmt::format("{}: {}: a text expected", place(file, value), key));
  }
  if (value.Scalar().empty()) return std::optional<std::string>();
  return std::optional(value.Scalar());
}

Result<KubeconfigFiles> read_kubeconfig_files(std::string_view paths) {
  std::vector<std::string> files;
  while (!paths.empty()) {
    const size_t colon = paths.find(':');
    if (colon != 0) files.emplace_back(paths.substr(0, colon));
    paths = colon == std::string_view::npos ? std::string_view() : paths.substr(colon + 1);
  }
  if (files.empty()) return Error("no file is named");
  KubeconfigFiles merged;
  size_t read = 0;
  for (const std::string& file : files) {
    struct stat status {};
    if (files.size() > 1 && stat(file.c_str(), &status) != 0 && errno == ENOENT) continue;
    Result<void> done = merge_file(file, merged);
    if (!done) return done.error();
    ++read;
  }
  if (read == 0) return Error(fmt::format("none of the {} files exists", files.size()));
  return merged;
}

}  // namespace reconciler
