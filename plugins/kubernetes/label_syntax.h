// What Kubernetes accepts as a label's name and a label's value, so that a wrong one is found when the configuration is
// read and not at the first failover. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace reconciler {

// Of names behind the prefix, and of values.
bool is_label_character(char c);

// `[prefix/]name`: the prefix a DNS name of at most 253 bytes, the name 1 to 63 of [A-Za-z0-9._-].
Result<void> check_label_name(std::string_view name);

// Empty, or 1 to 63 of [A-Za-z0-9._-] that begin and end with a letter or digit.
Result<void> check_label_value(std::string_view value);

// A namespace: a DNS label of at most 63 bytes.
Result<void> check_namespace(std::string_view name);

// For the query of a URL.
std::string percent_encoded(std::string_view text);

}  // namespace reconciler
