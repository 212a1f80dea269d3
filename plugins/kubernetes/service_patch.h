// The bodies of our writes to Services and EndpointSlices, and what confirms them. Pure.
#pragma once

#include <string>

#include "plugins/kubernetes/service.h"

namespace reconciler {

// Of discovery.k8s.io; the older one is only spoken to servers that have no other.
enum class SliceVersion : uint8_t { v1, v1beta1 };

const char* text_of(SliceVersion version);

// A new slice of `service`, with which it goes.
std::string new_slice(const std::string& name, const Service& service, const SliceContent& content,
                      const Stamp& stamp, SliceVersion version);

// Applies only to the slice that `seen` is: its uid and its whole stamp are tested.
std::string slice_patch(const Slice& seen, const Service& service, const SliceContent& content,
                        const Stamp& stamp, SliceVersion version);

// The same of the Service: its selector says `pod_name`, and whatever else it said.
std::string selector_patch(const Service& seen, const std::string& pod_name, const Stamp& stamp);

// Whether the answer has what was written; only that confirms the write.
bool shows(const Slice& answer, const SliceContent& content, const Stamp& stamp);
bool shows(const Service& answer, const std::string& pod_name, const Stamp& stamp);

}  // namespace reconciler
