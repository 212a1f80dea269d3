/* The plugin interface of Valkey Reconciler, version 1: everything that a target's plugin sees of
 * its host. C11 and C++20; includes nothing but standard headers. plugins/README.md tells how to
 * write a plugin; C++ has valkey_reconciler_plugin.hpp on top of this.
 *
 * A plugin is a shared object that exports one symbol, `valkey_reconciler_plugin_v1`, a function
 * that returns a `vr_plugin` of static storage. It is loaded by a process of its own, the labeler,
 * which serves exactly one target. The plugin says how a target is made to agree with a topology;
 * the labeler says when, and owns retry, backoff, deadline and coalescing.
 *
 * Rules that hold for every function below, unless the function itself says otherwise:
 *  - Threads: the host calls the plugin on one thread, the one that called `create`, and the plugin
 *    calls the host on that thread only. A call from another thread ends the labeler, with the
 *    plugin's name in the log. A plugin may have threads of its own; they tell of themselves by a
 *    descriptor that is watched.
 *  - Blocking: no function of a plugin blocks. A labeler that is silent for 6 s is killed and
 *    started anew.
 *  - Re-entry: the plugin may call the host from within any of its functions, `complete` within
 *    `apply` and `cancel` included. The host calls no function of the plugin from within that.
 *  - Ownership: what is passed in belongs to the caller and is valid until the function returns,
 *    but for the topology of `apply` (see there). Text ends with NUL; it is UTF-8 where it is for
 *    people.
 *  - Growth: each struct begins with its size in bytes as the side that filled it in knew it.
 *    Fields are only ever added at the end; read one that is not of version 1's first release only
 *    where `size` covers it (VR_HAS). A function never gains an argument.
 *  - No C++ type, no exception and no FILE crosses this border.
 *  - The process: SIGPIPE, SIGTERM, SIGINT and SIGHUP are ignored; give a child the defaults. The
 *    host waits for no child of the plugin's and leaves SIGCHLD alone: watch a pidfd, and reap with
 *    waitid(). Standard output is not the plugin's.
 */
#ifndef VALKEY_RECONCILER_PLUGIN_H
#define VALKEY_RECONCILER_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The major version of this interface; it is part of the exported symbol's name. */
#define VR_PLUGIN_VERSION 1

/* True where the struct that `pointer` points to was filled in by a side that knew `field`. */
#define VR_HAS(pointer, field) \
  ((pointer)->size >= offsetof(__typeof__(*(pointer)), field) + sizeof((pointer)->field))

/* ---- the topology ---------------------------------------------------------------------------- */

/* What is known of a group's primary. */
typedef enum vr_primary_state {
  /* `primary` is to be published. */
  VR_PRIMARY_KNOWN = 0,
  /* `primary` is to be withdrawn, and nothing published in its place. A target that publishes
   * nothing then agrees: VR_APPLIED. */
  VR_PRIMARY_SUSPECTED = 1
} vr_primary_state;

/* One Valkey instance, as Sentinel announces it. */
typedef struct vr_instance {
  size_t size;
  const char* host; /* an IP address (IPv6 without brackets) or an announced host name */
  uint16_t port;    /* 1 to 65535 */
  int32_t healthy;  /* 1: Sentinel calls it up and in step; 0: not */
} vr_instance;

/* What is known of one group at one moment: always whole, never a difference, never changed while it
 * is shown. */
typedef struct vr_topology {
  size_t size;
  const char* group; /* as Sentinel knows it; any bytes but NUL */

  /* The decision. (era, epoch, step) is totally ordered: a target that remembers a higher one
   * stands by it. What to do with it: plugins/README.md.
   *
   * `era`: how often Sentinel's epochs began anew, as far as is known; 0 where nothing is known of
   * it.
   * `epoch`: Sentinel's config-epoch of the group.
   * `step`: orders decisions within one epoch, counted from the start of the program. Even:
   * settled, what the Sentinels say. Odd: unsettled, namely a promotion that no Sentinel has
   * confirmed yet (VR_PRIMARY_KNOWN) or a suspicion. Each further decision of the epoch takes the
   * next higher number of its kind. */
  uint32_t era;
  uint64_t epoch;
  uint32_t step;

  /* (generation, revision) only grows within one run of the program; never compared between two. */
  uint64_t generation;
  uint64_t revision;

  vr_primary_state state;
  const vr_instance* primary; /* never NULL */
  size_t replica_count;
  const vr_instance* const* replicas; /* `replica_count` pointers */

  /* What brought this about, for people (`+promoted-slave from 10.0.0.7:26379`), and when it was
   * heard: microseconds since 1970 (UTC), and the same instant on CLOCK_MONOTONIC in
   * nanoseconds. */
  const char* cause;
  int64_t event_unix_us;
  uint64_t event_mono_ns;
} vr_topology;

/* ---- what a plugin declares of its configuration --------------------------------------------- */

typedef enum vr_type {
  VR_STRING = 0,
  VR_INTEGER = 1,
  VR_BOOLEAN = 2,
  VR_DURATION = 3,   /* written as "250ms", "10s", "5m"; reaches the plugin in milliseconds */
  VR_STRING_LIST = 4 /* default and environment are written with commas */
} vr_type;

enum {
  VR_KEY_REQUIRED = 1u << 0, /* must be given and must not be empty */
  VR_KEY_SECRET = 1u << 1,   /* is shown as *** wherever the configuration is shown */
  /* Names a file that this plugin reads, or each of a list does. A relative one reaches the plugin
   * as a path from the configuration file's folder. */
  VR_KEY_FILE = 1u << 2
};

/* One key of a `[[target]]` table. `name`: [a-z][a-z0-9_]*, but for the host's own: `name`,
 * `plugin`, `groups`, `deadline`, `retry_min`, `retry_max`. A plugin has at most 256 keys, and the
 * texts of all of them 256 KiB. `labeler --describe PLUGIN` says what is wrong with one. */
typedef struct vr_key {
  size_t size;
  const char* name;
  vr_type type;
  uint32_t flags;            /* VR_KEY_... */
  const char* default_value; /* as it would be written, without quotes; NULL: empty, 0, false */
  int64_t minimum;           /* VR_INTEGER, VR_DURATION (ms); no bounds where both are 0, and */
  int64_t maximum;           /* none beyond 2^53 */
  const char* choices;       /* VR_STRING: the values allowed, by comma; NULL: any */
  const char* environment;   /* variable that goes over the file: [A-Z_][A-Z0-9_]*; NULL: none */
  const char* help;          /* one sentence for people, of at most 1,024 bytes */
} vr_key;

/* The value of one key: of the type that the plugin declared, checked against what it declared. */
typedef struct vr_setting {
  size_t size;
  const char* name;
  vr_type type;
  int32_t given;      /* 1: written by the user; 0: the default */
  const char* string; /* VR_STRING; never NULL */
  int64_t integer;    /* VR_INTEGER; VR_BOOLEAN: 0 or 1; VR_DURATION: milliseconds */
  size_t list_count;  /* VR_STRING_LIST */
  const char* const* list;
} vr_setting;

/* ---- what the host does for a plugin --------------------------------------------------------- */

typedef struct vr_host_context vr_host_context; /* the host's own; passed back with each call */
typedef struct vr_request vr_request;           /* one topology to be applied to one group */
typedef struct vr_timer vr_timer;
typedef struct vr_watch vr_watch;

typedef enum vr_log_level { VR_DEBUG = 0, VR_INFO = 1, VR_WARNING = 2, VR_ERROR = 3 } vr_log_level;

/* What became of a topology at the target. */
typedef enum vr_outcome {
  /* The target agrees with it, and that was confirmed by the target. */
  VR_APPLIED = 0,
  /* Not now: the host applies the newest topology again after a backoff. */
  VR_RETRY = 1,
  /* The target holds a higher decision, or can't hold this one: not tried again until there is a
   * new topology or `changed` is called. */
  VR_REJECTED = 2,
  /* Ended early because `cancel` asked for it. */
  VR_CANCELLED = 3
} vr_outcome;

enum { VR_READABLE = 1u << 0, VR_WRITABLE = 1u << 1 };

/* Whether a problem keeps the program from calling itself ready (/readyz). */
typedef enum vr_severity {
  /* The target is kept right, though not as it should be: a right is missing. */
  VR_DEGRADED = 0,
  /* The target is not right, or would not be after the next failover. */
  VR_BLOCKING = 1
} vr_severity;

typedef struct vr_host {
  size_t size;
  vr_host_context* context; /* first argument of every function below */

  /* One line in the log. `group` may be NULL. A line end within `message` is shown as \x0a. */
  void (*log)(vr_host_context*, vr_log_level, const char* group, const char* message);

  /* Says what became of `request`, exactly once, after which the request is gone. `reason` is for
   * people (`forbidden: cannot patch pods in namespace shop`) and may be NULL with VR_APPLIED. A
   * plugin that completes a request twice ends its labeler. */
  void (*complete)(vr_host_context*, vr_request*, vr_outcome, const char* reason);

  /* Asks to be given the newest topology of `group` again (NULL: of every group): the target was
   * seen to differ. Never calls `apply` from within; calls that come while one is waiting are
   * one. */
  void (*changed)(vr_host_context*, const char* group);

  /* Nanoseconds on CLOCK_MONOTONIC. */
  uint64_t (*now_ns)(vr_host_context*);

  /* Calls `fire(data)` once, `after_ms` from now; the timer is gone when it fires or is stopped.
   * Never NULL. */
  vr_timer* (*timer_start)(vr_host_context*, uint64_t after_ms, void (*fire)(void* data),
                           void* data);
  void (*timer_stop)(vr_host_context*, vr_timer*);

  /* Calls `ready(data, events)` whenever `fd` is ready for one of `events` (VR_READABLE,
   * VR_WRITABLE), level-triggered, until stopped; with events 0 not at all. `ready` may stop any
   * watch, its own included. An error on the descriptor is told as every event asked for. The
   * descriptor stays the plugin's and becomes nonblocking: a socket, pipe, eventfd, pidfd..., with
   * one watch at a time; stop the watch before closing it. NULL where `fd` can't be watched (a
   * regular file). */
  vr_watch* (*watch_start)(vr_host_context*, int fd, uint32_t events,
                           void (*ready)(void* data, uint32_t events), void* data);
  void (*watch_change)(vr_host_context*, vr_watch*, uint32_t events);
  void (*watch_stop)(vr_host_context*, vr_watch*);

  /* A state that keeps `group` (NULL: the whole target) from being right, under an `id` of the
   * plugin's own ([a-z-]+; `refused` and `down` are the supervisor's), with its cause in the
   * user's words, of which 1,024 bytes are kept. Setting it again replaces the text. It is in
   * /readyz and /status; a line of the log is to be written beside it. */
  void (*problem_set)(vr_host_context*, const char* group, const char* id, vr_severity severity,
                      const char* message);
  void (*problem_clear)(vr_host_context*, const char* group, const char* id);

  /* Adds `by` to a counter that is shown as
   * valkey_reconciler_<name>{target="...",<label>="<value>"}, with `_total` behind the name where
   * it does not end so; `label` and `value` may both be NULL. A label `target` becomes
   * `plugin_target`. */
  void (*count)(vr_host_context*, const char* name, const char* label, const char* value,
                uint64_t by);
} vr_host;

/* ---- what a plugin is ------------------------------------------------------------------------ */

/* What `create` is given beside the settings. */
typedef struct vr_target {
  size_t size;
  const char* name; /* of the target, unique */
  size_t group_count;
  const char* const* groups; /* the groups that this target serves */
  size_t setting_count;
  const vr_setting* const* settings; /* one for each key that the plugin declared, in that order */
  uint64_t deadline_ms;              /* so long after `apply` or `order` the host calls `cancel` */

  /* Added later (VR_HAS). 1: nothing at the target is to be changed, from `create` on. `apply`
   * completes with VR_APPLIED where nothing would have to be, else with VR_REJECTED and a reason
   * that begins with `dry run: would `. Only a plugin with VR_TELLS_DRY_RUN is created with it. */
  int32_t dry_run;
} vr_target;

/* Added later: what an operator wants of one group at a target. */
typedef enum vr_order_kind {
  /* The group is left alone by everybody who keeps it at this target, also by those who start
   * later, until VR_RESUME. What is under way is finished. */
  VR_PAUSE = 0,
  VR_RESUME = 1,
  /* What the target remembers of decisions no longer stands above lower ones. */
  VR_RELEASE = 2
} vr_order_kind;

/* Added later. */
typedef struct vr_order {
  size_t size;
  vr_order_kind kind;
  const char* group;
  const char* by;     /* who wants it, for people; never empty */
  const char* reason; /* of VR_PAUSE, for people; may be empty */
} vr_order;

enum {
  VR_TELLS_DRY_RUN = 1u << 0 /* obeys `dry_run` of vr_target */
};

typedef struct vr_plugin {
  size_t size;
  const char* name;    /* the plugin's own name */
  const char* version; /* of the plugin, for the log */
  size_t key_count;
  const vr_key* const* keys;

  /* Makes the plugin's one instance, starts what it needs and returns; connecting goes on in the
   * background. `host` stays valid until `destroy` returns, `target` until `create` does. On
   * failure NULL, with the cause written into `error` (`error_size` bytes, NUL included): the
   * target is marked failed and tried again within a minute. */
  void* (*create)(const vr_host* host, const vr_target* target, char* error, size_t error_size);

  /* Frees everything, stops timers and watches. No request is open when it is called. */
  void (*destroy)(void* instance);

  /* Starts to make the target agree with `topology` and returns. `topology` stays valid and
   * unchanged until `request` was completed. At most one request for each group is open at a time.
   * Sends nothing where everything is right already. */
  void (*apply)(void* instance, const vr_topology* topology, vr_request* request);

  /* Asks to end `request` early: a newer topology waits, its deadline has passed, or the program
   * stops. The plugin completes it as soon as it is safe, within 3 s, with VR_CANCELLED, or with
   * what became of it where it was finished anyway. A change that was begun and that would leave
   * the target without primary is finished. */
  void (*cancel)(void* instance, vr_request* request);

  /* May be NULL. Reviews reach and rights of the target, and says what it finds by problem_set and
   * problem_clear. */
  void (*check)(void* instance);

  /* Added later (VR_HAS). May be NULL: orders are refused as not supported. Starts to carry out
   * `order`, which is valid until the function returns, and returns. `request` is completed as one
   * of `apply` is, and may be cancelled like that: VR_APPLIED when the target has confirmed it,
   * also where it was so already; VR_REJECTED where it is refused, with the reason; VR_RETRY where
   * it can't be done now, which the host leaves at that. At most one for each group is open at a
   * time, beside one of `apply`. Never called in a dry run. */
  void (*order)(void* instance, const vr_order* order, vr_request* request);

  /* Added later (VR_HAS): VR_TELLS_... */
  uint32_t abilities;
} vr_plugin;

/* The one exported symbol; what it returns is static. */
typedef const vr_plugin* (*vr_plugin_entry)(void);
#define VR_PLUGIN_SYMBOL "valkey_reconciler_plugin_v1"
#define VR_PLUGIN_ENTRY valkey_reconciler_plugin_v1

#if defined(__GNUC__)
#define VR_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define VR_PLUGIN_EXPORT
#endif

/* Defined by the plugin. */
VR_PLUGIN_EXPORT const vr_plugin* VR_PLUGIN_ENTRY(void);

#ifdef __cplusplus
}
#endif

#endif
