#include "common/start_pages.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

namespace reconciler {

namespace {

struct Pages {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

Pages pages_of(const dl_phdr_info& object, const ElfW(Phdr) & segment) {
  const auto size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
  return {begin & ~(size - 1), (begin + segment.p_filesz + size - 1) & ~(size - 1)};
}

void give_back(const Pages& pages) {
  if (pages.begin >= pages.end) return;
  ::madvise(std::bit_cast<void*>(pages.begin), pages.end - pages.begin, MADV_DONTNEED);
}

// Of assembler and of code without -fPIC the loader has to write addresses where nothing else may be written.
bool has_text_relocations(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    if (object.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry =
        std::bit_cast<const ElfW(Dyn)*>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
    }
  }
  return false;
}

// Only segments that were never writable are as they are in the file: in the others the loader wrote addresses, in those
// that are protected from writing since, too.
int give_back_object(dl_phdr_info* object, std::size_t, void*) {
  if (has_text_relocations(*object)) return 0;
  Pages unwritten;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const Pages pages = pages_of(*object, segment);
    give_back({unwritten.begin, std::min(unwritten.end, pages.begin)});
    unwritten = (segment.p_flags & PF_W) == 0 ? pages : Pages{};
  }
  give_back(unwritten);
  return 0;
}

}  // namespace

void give_back_start_pages() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(give_back_object, nullptr);
}

}  // namespace reconciler
