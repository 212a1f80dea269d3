// What a dry run says that it would do, for people. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugins/kubernetes/plan.h"
#include "plugins/kubernetes/replica_plan.h"

namespace reconciler {

// `fence pod shop/b, then label pod shop/a valkey-master=true`. Of a plan that has something to write.
std::string in_words(const Plan& plan, const LabelRule& rule, std::string_view pod_namespace);

// Empty where nothing is to be written.
std::string in_words(const std::vector<Relabelling>& relabellings, const LabelRule& rule,
                     std::string_view pod_namespace);

}  // namespace reconciler
