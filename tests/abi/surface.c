/* What abidw reads the plugin interface from: the entry, through which every type of it is reached. */
#include <valkey_reconciler_plugin.h>

/* No type of the interface names them, so that abidiff does not see them. */
_Static_assert(VR_KEY_REQUIRED == 1 && VR_KEY_SECRET == 2 && VR_KEY_FILE == 4, "flags of a key");
_Static_assert(VR_TELLS_DRY_RUN == 1, "abilities of a plugin");
_Static_assert(VR_READABLE == 1 && VR_WRITABLE == 2, "events of a watch");

static const vr_plugin plugin = {.size = sizeof plugin};

const vr_plugin* VR_PLUGIN_ENTRY(void) { return &plugin; }
