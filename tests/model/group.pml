/* The fencing protocol of the Kubernetes target as plugins/kubernetes has it: plan.cpp, deciding.cpp, attempt.cpp and
 * plugins/count_ahead.h. README.md says how to read it, what is left out, and what the switches are.
 *
 * A stamp's unique number and a pod's uid are not counted. No stamp is written twice, so "uid and stamp are still what
 * was seen" is the same as "nobody has written a stamp there since": a bit in whoever saw it (`same`). That keeps the
 * model finite however many writes there are, so that an endless fight is a cycle and is found. */

#ifndef INSTANCES
#define INSTANCES 2
#endif
#define PODS 3

/* How often, in all, until the end of the story: */
#ifndef RECREATIONS
#define RECREATIONS 0   /* a pod is deleted and created anew under its name */
#endif
#ifndef HANDS
#define HANDS 0         /* somebody else sets or takes a label, or takes a stamp */
#endif
#ifndef LOSSES
#define LOSSES 0        /* an answer is lost, or comes too late */
#endif
#ifndef RESTARTS
#define RESTARTS 0      /* an instance is killed and started anew */
#endif

#if LOSSES > 0
byte losses = LOSSES;
#endif
#if RESTARTS > 0
byte restarts_left = RESTARTS;
#endif

#include "decisions.pml"
#include "pods.pml"
#include "plan.pml"
#include "instance.pml"
#include "world.pml"
