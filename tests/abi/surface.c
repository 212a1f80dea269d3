/* What abidw reads the plugin interface from: the entry, through which every type of it is reached. */
#include <valkey_reconciler_plugin.h>

static const vr_plugin plugin = {.size = sizeof plugin};

const vr_plugin* VR_PLUGIN_ENTRY(void) { return &plugin; }
