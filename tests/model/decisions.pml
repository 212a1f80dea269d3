/* Decisions, and what Sentinels say of them.
 *
 * A claim is a number that is compared as a whole: era, epoch, step, address (the pod's number). 0 is none at all. */

#define CLAIM(era, epoch, step, address)  (((era) << 8) | ((epoch) << 5) | ((step) << 2) | (address))
#define ERA(claim)      ((claim) >> 8)
#define EPOCH(claim)    (((claim) >> 5) & 7)
#define STEP(claim)     (((claim) >> 2) & 7)
#define ADDRESS(claim)  ((claim) & 3)
#define SETTLED(claim)  ((STEP(claim) & 1) == 0)

/* What became known at the Sentinels, in this order. An instance hears any of it, in order, with gaps; one that was
 * started anew may hear old things first (its Sentinel lives in the past). How it counts eras and steps is the
 * watcher's: topology_builder.cpp. */
#define FACT(epoch, address, kind)  (((kind) << 5) | ((epoch) << 2) | (address))
#define FACT_EPOCH(fact)    (((fact) >> 2) & 7)
#define FACT_ADDRESS(fact)  ((fact) & 3)
#define FACT_KIND(fact)     ((fact) >> 5)
#define settled     0
#define suspected   1   /* the primary is, and is to be withdrawn */
#define provisional 2   /* a promotion that no Sentinel has confirmed */
#define anew        3   /* settled, and the epochs have begun anew */

/* a=0, b=1, c=2 */
#if defined(STORY_FAILOVER)
#define FACTS 2
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : FACT(2, 1, settled))
#elif defined(STORY_FAILOVERS)      /* three primaries */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(2, 1, settled) : FACT(3, 2, settled)))
#elif defined(STORY_BACK)          /* to and fro */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(2, 1, settled) : FACT(3, 0, settled)))
#elif defined(STORY_TIE)           /* two primaries under one epoch */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(2, 2, settled) : FACT(2, 1, settled)))
#elif defined(STORY_SUSPECTED)     /* and it was nothing */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(1, 0, suspected) : FACT(1, 0, settled)))
#elif defined(STORY_DOWN)          /* and it stays so, for now */
#define FACTS 2
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : FACT(1, 0, suspected))
#elif defined(STORY_DEMOTED)       /* suspected, then failed over */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(1, 0, suspected) : FACT(2, 1, settled)))
#elif defined(STORY_CONFIRMED)     /* a provisional promotion, confirmed */
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(1, 1, provisional) : FACT(2, 1, settled)))
#elif defined(STORY_TAKEN_BACK)
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(1, 1, provisional) : FACT(1, 0, settled)))
#elif defined(STORY_RESET)
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(1, 0, settled) : ((n) == 1 -> FACT(3, 0, settled) : FACT(1, 1, anew)))
#elif defined(STORY_RESET_AND_ON)
#define FACTS 3
#define STORY(n)  ((n) == 0 -> FACT(3, 0, settled) : ((n) == 1 -> FACT(1, 1, anew) : FACT(2, 2, anew)))
#endif
#define LAST_FACT  STORY(FACTS - 1)

#define NEXT_STEP(step, is_settled)  ((((step) & 1) == 0) == (is_settled) -> (step) + 2 : (step) + 1)
