/* One instance of the program: what it hears, sees and sends. Each option is one step; between two of them it may be
 * stopped for any time, and anything may happen. */

#define IDLE_PHASE      0
#define FENCING_PHASE   1   /* patches are under way, all at once */
#define PROMOTING_PHASE 2   /* the last one is */
#define LISTING_PHASE   3   /* after a conflict */

#define NO_FAILURE 0
#define CONFLICT   1        /* 404, 409, 422 */
#define NO_ANSWER  2

#ifdef TURNS
byte turn;                  /* 1 + the instance that starts over; 0: none */
#define MAY_START_OVER(n)  (turn == 0 || turn == n + 1)
#else
#define MAY_START_OVER(n)  true
#endif

/* At the end of each step: the verdict on what is wanted and seen now. */
inline think(n) {
  d_step {
    if
    :: me.phase == IDLE_PHASE ->
       make_plan(n);
       forget_plan();
#ifdef TURNS
       if
       :: turn == n + 1 && me.verdict != CHANGE -> turn = 0
       :: else
       fi
#endif
    :: else
    fi
  }
}

/* ---- hearing: the watcher's count of eras and steps ---- */

#define HEARD              STORY(me.next)
#define HEARD_IS_SETTLED   (FACT_KIND(HEARD) == settled || FACT_KIND(HEARD) == anew)
#define HEARD_IS_THE_SAME  (FACT_ADDRESS(HEARD) == ADDRESS(me.told) && \
                            HEARD_IS_SETTLED == SETTLED(me.told) && (FACT_KIND(HEARD) == suspected) == SUSPECT)

inline hear(n) {
  d_step {
    me.phase == IDLE_PHASE && me.next < FACTS ->
    if
    :: me.told == 0 || FACT_EPOCH(HEARD) > EPOCH(me.told) ->
       me.told = CLAIM(ERA(me.told), FACT_EPOCH(HEARD), !HEARD_IS_SETTLED, FACT_ADDRESS(HEARD));
       me.withdrawn = FACT_KIND(HEARD) == suspected;
       count(n)
    :: me.told != 0 && FACT_EPOCH(HEARD) == EPOCH(me.told) && !HEARD_IS_THE_SAME ->
       me.told = CLAIM(ERA(me.told), EPOCH(me.told), NEXT_STEP(STEP(me.told), HEARD_IS_SETTLED), FACT_ADDRESS(HEARD));
       me.withdrawn = FACT_KIND(HEARD) == suspected;
       count(n)
    :: me.told != 0 && FACT_EPOCH(HEARD) < EPOCH(me.told) && FACT_KIND(HEARD) == anew ->
       me.told = CLAIM(ERA(me.told) + 1, FACT_EPOCH(HEARD), 0, FACT_ADDRESS(HEARD));
       me.withdrawn = 0;
       count(n)
    :: else  /* nothing new, or of a Sentinel that lives in the past */
    fi;
    me.next = me.next + 1;
    me.cancelled = 0;
    printf("instance %d: is told era %d epoch %d step %d (%d), withdrawn %d\n", n, ERA(me.told), EPOCH(me.told),
           STEP(me.told), ADDRESS(me.told), me.withdrawn)
  }
}

/* It never hears of one. The last one is heard by all; where one may be CUT_OFF for good, by instance 0 at least. */
#ifdef CUT_OFF
#define MUST_HEAR(n)  (n == 0)
#else
#define MUST_HEAR(n)  true
#endif
#ifdef WITNESS  /* instance 0 misses nothing */
#define MAY_MISS(n)   (n != 0 && me.next < FACTS - MUST_HEAR(n))
#else
#define MAY_MISS(n)   (me.next < FACTS - MUST_HEAR(n))
#endif
inline miss(n) {
  d_step { MAY_MISS(n) && !me.cancelled -> me.next = me.next + 1 }
}

/* ---- seeing ---- */

#ifdef SNAPSHOT
/* The cache as a whole, as a watch brings it: versions of all pods are one sequence. */
inline look(n) {
  d_step {
    me.phase == IDLE_PHASE &&
    !(IS_CURRENT(me.seen[0], 0) && IS_CURRENT(me.seen[1], 1) && IS_CURRENT(me.seen[2], 2)) ->
    see(n, 0); see(n, 1); see(n, 2);
    printf("instance %d: sees the pods\n", n)
  }
}
#define LOOK(n)  :: look(n)
#else
/* Pod by pod, which is more than can happen. */
inline look_at(n, p) {
  d_step {
    me.phase == IDLE_PHASE && !IS_CURRENT(me.seen[p], p) ->
    see(n, p);
    printf("instance %d: sees pod %d\n", n, p)
  }
}
#define LOOK(n)  :: look_at(n, 0) :: look_at(n, 1) :: look_at(n, 2)
#endif

/* ---- writing ---- */

inline attempt_begins(n) {
  d_step {
    me.phase == IDLE_PHASE && me.verdict == CHANGE && !me.cancelled ->
    make_plan(n);
    me.fences = fences;
    me.promote = promote;
    me.phase = (fences -> FENCING_PHASE : PROMOTING_PHASE);
    printf("instance %d: begins: fences %d, then promotes %d-1, era %d epoch %d step %d (%d)\n", n, fences, promote,
           ERA(me.wanted), EPOCH(me.wanted), STEP(me.wanted), ADDRESS(me.wanted));
    forget_plan()
  }
}

inline taken_over(n) {
  d_step {
    me.phase == IDLE_PHASE && me.verdict == TAKEOVER ->
    make_plan(n);
    count_as(n, known);
    printf("instance %d: takes over: era %d epoch %d step %d (%d)\n", n, ERA(me.wanted), EPOCH(me.wanted),
           STEP(me.wanted), ADDRESS(me.wanted));
    forget_plan()
  }
}

inline attempt_ends(n) {
  me.phase = (me.failure == CONFLICT -> LISTING_PHASE : IDLE_PHASE);
  me.promote = 0;
  me.fences = 0;
  me.failure = NO_FAILURE
}

/* The answers of all fences are waited for. */
inline fence_is_answered(n, p) {
  me.fences = me.fences & ~BIT(p);
  if
  :: me.fences == 0 && me.failure == NO_FAILURE && me.promote -> me.phase = PROMOTING_PHASE
  :: me.fences == 0 && (me.failure != NO_FAILURE || !me.promote) -> attempt_ends(n)
  :: else
  fi
}

/* A write that arrives, and whose answer does: the cache then has what was written. */
inline fence_arrives(n, p) {
  d_step {
    me.fences & BIT(p) ->
    if
    :: FENCE_FITS(me.seen[p], p) && !IS_VANISHING(p) ->
       printf("instance %d: pod %d fenced\n", n, p);
       fence_pod(p, me.wanted);
       see(n, p)
#ifdef VANISHING_POD_IS_BELIEVED
    :: FENCE_FITS(me.seen[p], p) && IS_VANISHING(p) ->
       printf("instance %d: pod %d fenced, as it seems\n", n, p);
       pod[p].vanishing = 2
#endif
    :: else ->
       printf("instance %d: fence of pod %d conflicts\n", n, p);
       me.failure = (me.failure == NO_ANSWER -> NO_ANSWER : CONFLICT)
    fi;
    fence_is_answered(n, p)
  }
}

#ifdef PROMOTE_FIRST
#define PROMOTION_IS_SENT(n)  (me.promote && me.phase != IDLE_PHASE && me.failure == NO_FAILURE)
#else
#define PROMOTION_IS_SENT(n)  (me.phase == PROMOTING_PHASE)
#endif

inline promotion_arrives(n) {
  d_step {
    PROMOTION_IS_SENT(n) ->
    promote = me.promote - 1;
    if
    :: PROMOTION_FITS(me.seen[promote], promote) && !IS_VANISHING(promote) ->
       printf("instance %d: pod %d promoted\n", n, promote);
       promote_pod(promote, me.wanted);
       see(n, promote)
#ifdef VANISHING_POD_IS_BELIEVED
    :: PROMOTION_FITS(me.seen[promote], promote) && IS_VANISHING(promote) ->
       printf("instance %d: pod %d promoted, as it seems\n", n, promote);
       pod[promote].vanishing = 2
#endif
    :: else ->
       printf("instance %d: promotion of pod %d conflicts\n", n, promote);
       me.failure = CONFLICT
    fi;
    promote = 0;
    me.promote = 0;
    if
    :: me.fences == 0 -> attempt_ends(n)
    :: else
    fi
  }
}

/* One list, consistent: then it decides again. */
inline list_arrives(n) {
  d_step {
    me.phase == LISTING_PHASE && MAY_START_OVER(n) ->
#ifdef TURNS
    turn = n + 1;
#endif
    see(n, 0); see(n, 1); see(n, 2);
    me.phase = IDLE_PHASE;
    printf("instance %d: lists\n", n)
  }
}

/* Cancelled, since there is news: the answers are waited for, nothing is promoted. (Or it is: then the news waits.) */
inline is_cancelled(n) {
  d_step { me.phase == FENCING_PHASE && me.promote && me.next < FACTS -> me.promote = 0; me.cancelled = 1 }
}

#if LOSSES > 0
/* A write arrives, its answer does not. Where the write does not, either, that is `gives_up` and `stray_is_lost`. */
inline fence_is_silent(n, p) {
  d_step {
    losses > 0 && me.fences & BIT(p) && FENCE_FITS(me.seen[p], p) && !IS_VANISHING(p) ->
    losses--;
    printf("instance %d: pod %d fenced, no answer\n", n, p);
    fence_pod(p, me.wanted);
    me.failure = NO_ANSWER;
    fence_is_answered(n, p)
  }
}
inline promotion_is_silent(n) {
  d_step {
    losses > 0 && PROMOTION_IS_SENT(n) && PROMOTION_FITS(me.seen[me.promote - 1], me.promote - 1) &&
    !IS_VANISHING(me.promote - 1) ->
    losses--;
    promote = me.promote - 1;
    printf("instance %d: pod %d promoted, no answer\n", n, promote);
    promote_pod(promote, me.wanted);
    promote = 0;
    me.failure = NO_ANSWER;
    attempt_ends(n)
  }
}
#define LOSE(n)  :: fence_is_silent(n, 0) :: fence_is_silent(n, 1) :: fence_is_silent(n, 2) \
                 :: promotion_is_silent(n) :: gives_up(n)
#else
#define LOSE(n)
#endif

#if LOSSES > 0 || RESTARTS > 0
#define NO_STRAY  (stray.fences == 0 && stray.promote == 0)

/* What is under way goes on without its instance. */
inline leave_behind(n) {
  stray.fences = me.fences;
  stray.promote = (me.phase == PROMOTING_PHASE -> me.promote : 0);
  stray.claim = me.wanted;
  for (j : 0 .. PODS - 1) {
    if
    :: me.fences & BIT(j) || stray.promote == j + 1 ->
       stray.seen[j].label = me.seen[j].label;
       stray.seen[j].same = me.seen[j].same;
#ifdef STAMPS_ARE_REMOVED
       stray.seen[j].same_uid = me.seen[j].same_uid;
#endif
       stray.seen[j].kind = me.seen[j].kind;
       stray.seen[j].claim = me.seen[j].claim
    :: else
    fi
  }
  j = 0
}
#define IN_FLIGHT(n)  (me.phase == FENCING_PHASE || me.phase == PROMOTING_PHASE)

/* An answer that does not come in time, of a write that may still arrive. */
inline gives_up(n) {
  d_step {
    losses > 0 && IN_FLIGHT(n) && NO_STRAY ->
    losses--;
    printf("instance %d: gives up\n", n);
    leave_behind(n);
    me.failure = NO_ANSWER;
    attempt_ends(n)
  }
}

/* A new process: it lists, and has heard nothing. What it hears first may be old. */
inline restarts(n) {
  d_step {
    restarts_left > 0 && me.told && (!IN_FLIGHT(n) || NO_STRAY) ->
    restarts_left--;
    printf("instance %d: restarts\n", n);
    if
    :: IN_FLIGHT(n) -> leave_behind(n)
    :: else
    fi;
    me.next = 0; me.told = 0; me.withdrawn = 0; me.wanted = 0; me.eras = 0; me.steps = 0; me.counted = 0;
    me.phase = IDLE_PHASE; me.fences = 0; me.promote = 0; me.failure = NO_FAILURE; me.cancelled = 0;
    see(n, 0); see(n, 1); see(n, 2)
  }
}
#endif
#if RESTARTS > 0
#define RESTART(n)  :: restarts(n)
#else
#define RESTART(n)
#endif

proctype runs(byte n) {
end:
  do
  :: atomic {
       if
       :: hear(n)
       :: miss(n)
       LOOK(n)
       :: attempt_begins(n)
       :: taken_over(n)
       :: fence_arrives(n, 0)
       :: fence_arrives(n, 1)
       :: fence_arrives(n, 2)
       :: promotion_arrives(n)
       :: list_arrives(n)
       :: is_cancelled(n)
       LOSE(n)
       RESTART(n)
       fi;
       think(n)
     }
  od
}
