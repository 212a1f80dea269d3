/* plan.cpp and count_ahead.h: what instance n makes of what it wants and sees. Within one step. */

#define REST     0
#define CHANGE   1
#define TAKEOVER 2   /* stands down, but not for ever */

/* of the plan in hand; 0 between steps */
short highest, known;
byte labelled, group, fences, promote;
bit token, intends_promotion, intends_withdrawal;

#define me          instance[n]
#define IN_GROUP(p) (!me.seen[p].absent)
#define SUSPECT     me.withdrawn

inline look_over(n) {
  for (j : 0 .. PODS - 1) {
    if
    :: IN_GROUP(j) ->
       group = group | BIT(j);
       if
       :: me.seen[j].label -> labelled = labelled | BIT(j)
       :: else
       fi;
       if
       :: me.seen[j].kind != NO_STAMP && me.seen[j].claim > highest -> highest = me.seen[j].claim
       :: else
       fi
    :: else
    fi
  }
  j = 0
}

/* A token is a label that a promotion put there, as the stamp says. */
inline find_token(n, among) {
  for (j : 0 .. PODS - 1) {
    if
#ifdef HAND_SET_LABEL_IS_TOKEN
    :: (among) & BIT(j) && me.seen[j].label -> token = 1
#else
    :: (among) & BIT(j) && me.seen[j].label && me.seen[j].kind == PROMOTED -> token = 1
#endif
    :: else
    fi
  }
  j = 0
}

inline count_as(n, claim) {
  assert(STEP(claim) < 7 && ERA(claim) < 4);  /* as far as this model can count */
  me.eras = ERA(claim) - ERA(me.told);
  me.steps = STEP(claim) - STEP(me.told);
  me.counted = me.told & ~31;                 /* its era and epoch */
  me.wanted = claim
}

/* CountAhead::of */
inline count(n) {
  assert(STEP(me.told) + me.steps < 8);
  if
  :: me.counted == (me.told & ~31) && STEP(me.told) + me.steps >= 0 ->
     me.wanted = CLAIM(ERA(me.told) + me.eras, EPOCH(me.told), STEP(me.told) + me.steps, ADDRESS(me.told))
  :: else -> me.wanted = CLAIM(ERA(me.told) + me.eras, EPOCH(me.told), STEP(me.told), ADDRESS(me.told))
  fi
}

#define OF_EPOCH_AND_ADDRESS  (EPOCH(highest) == EPOCH(me.wanted) && ADDRESS(highest) == ADDRESS(me.wanted))

#ifdef LEARN_FROM_OTHER_KINDS  /* as it once was */
#define MAY_LEARN  !SUSPECT
#else
#define MAY_LEARN  SETTLED(highest) == SETTLED(me.wanted)
#endif

/* known_ahead */
inline learn(n) {
  if
  :: OF_EPOCH_AND_ADDRESS && highest > me.wanted && MAY_LEARN ->
     for (j : 0 .. PODS - 1) {
       if
       :: IN_GROUP(j) && me.seen[j].claim == highest && me.seen[j].kind == PROMOTED -> intends_promotion = 1
       :: IN_GROUP(j) && me.seen[j].claim == highest && me.seen[j].kind == FENCED && j == ADDRESS(highest) ->
          intends_withdrawal = 1
       :: else
       fi
     }
     if
     :: intends_promotion -> intends_withdrawal = 0
     :: else
     fi;
     if
     :: SUSPECT == intends_withdrawal -> count_as(n, highest)
     :: else
     fi;
     j = 0; intends_promotion = 0; intends_withdrawal = 0
  :: else
  fi
}

/* takeover_from_unsettled, takeover_of_era: what a settled decision becomes that stood down for long; else 0 */
inline take_over(n) {
  if
  :: SUSPECT || !SETTLED(me.wanted) || highest <= me.wanted -> known = 0
  :: else ->
     if
     :: EPOCH(highest) == EPOCH(me.wanted) && !SETTLED(highest) &&
        (ERA(highest) == ERA(me.wanted) || ADDRESS(highest) == ADDRESS(me.wanted)) ->
        known = CLAIM(ERA(highest), EPOCH(highest), STEP(highest) + 1, ADDRESS(me.wanted))
     :: else ->
        if
        :: ERA(highest) > ERA(me.wanted) && EPOCH(highest) < EPOCH(me.wanted) ->
           known = CLAIM(ERA(highest), EPOCH(me.wanted), STEP(me.wanted), ADDRESS(me.wanted))
        :: else
        fi
     fi
  fi
}

#define PRIMARY               ADDRESS(me.wanted)
#define IS_PROMOTED(p, by)    (IN_GROUP(p) && me.seen[p].kind == PROMOTED && me.seen[p].claim == (by))

inline plan_withdrawal(n) {
  find_token(n, group);
  if
#ifdef LEARN_FROM_OTHER_KINDS
  :: false
#else
  :: IS_PROMOTED(0, me.wanted) || IS_PROMOTED(1, me.wanted) || IS_PROMOTED(2, me.wanted)  /* stands down */
#endif
  :: else ->
     if
     :: labelled == 0 && highest == me.wanted
     :: else -> fences = (token -> labelled : group)
     fi
  fi
}

/* Unsafe ways to choose the fences, for when there is no token. The real one: all others. */
#if defined(FENCE_LABELLED)
#define FENCES_WITHOUT_TOKEN(others)  (labelled & (others))
#elif defined(FENCE_LABELLED_AND_UNSTAMPED)
#define UNSTAMPED(p)  (IN_GROUP(p) && me.seen[p].kind == NO_STAMP -> BIT(p) : 0)
#define FENCES_WITHOUT_TOKEN(others)  ((labelled | UNSTAMPED(0) | UNSTAMPED(1) | UNSTAMPED(2)) & (others))
#elif defined(FENCE_LABELLED_AND_PREVIOUS)
#define FENCES_WITHOUT_TOKEN(others)  ((labelled | (highest -> BIT(ADDRESS(highest)) : 0)) & (others))
#elif defined(SKIP_IDLE_FENCES)
#define IDLE(p) (!me.seen[p].label && me.seen[p].kind == FENCED && me.seen[p].claim == me.wanted -> BIT(p) : 0)
#define FENCES_WITHOUT_TOKEN(others)  ((others) & ~(IDLE(0) | IDLE(1) | IDLE(2)))
#else
#define FENCES_WITHOUT_TOKEN(others)  (others)
#endif

#ifdef FENCE_EVERY_OTHER_ALWAYS
#define FENCES_WITH_TOKEN(others)  (others)
#else
#define FENCES_WITH_TOKEN(others)  (labelled & (others))
#endif

inline plan_promotion(n) {
  if
  :: me.seen[PRIMARY].label && IS_PROMOTED(PRIMARY, me.wanted) -> fences = labelled & ~BIT(PRIMARY)
  :: else ->
     find_token(n, labelled & ~BIT(PRIMARY));
     fences = (token -> FENCES_WITH_TOKEN(group & ~BIT(PRIMARY)) : FENCES_WITHOUT_TOKEN(group & ~BIT(PRIMARY)));
#ifdef NO_FENCE
     fences = 0;
#endif
     promote = PRIMARY + 1
  fi
}

#define TO_BE_WITHDRAWN_ALREADY \
  (labelled == 0 && !SETTLED(highest) && ERA(highest) == ERA(me.wanted) && OF_EPOCH_AND_ADDRESS)
#define IS_PROMOTED_ALREADY     (IN_GROUP(PRIMARY) && me.seen[PRIMARY].kind != NO_STAMP && \
                                 me.seen[PRIMARY].claim == highest && labelled == BIT(PRIMARY))
#define STANDS_DOWN             (highest > me.wanted)
#ifdef NO_STANDING_DOWN
#undef STANDS_DOWN
#define STANDS_DOWN             false
#endif

/* make_plan: fills the variables above and the verdict. */
inline make_plan(n) {
  look_over(n);
  learn(n);
  me.verdict = REST;
  if
  :: me.told == 0
  :: me.told != 0 && STANDS_DOWN ->
     if
     :: (SUSPECT -> TO_BE_WITHDRAWN_ALREADY : IS_PROMOTED_ALREADY)
     :: else ->
        take_over(n);
        me.verdict = (known -> TAKEOVER : REST)
     fi
  :: else ->
     if
     :: SUSPECT -> plan_withdrawal(n)
     :: !SUSPECT && IN_GROUP(PRIMARY) -> plan_promotion(n)
     :: else ->  /* no pod is the primary: what a lower epoch labelled goes after a while */
        if
        :: labelled && highest && (highest >> 5) < (me.wanted >> 5) -> fences = labelled
        :: else
        fi
     fi;
     me.verdict = (fences || promote -> CHANGE : REST)
  fi
}

inline forget_plan() {
  highest = 0; known = 0; labelled = 0; group = 0; fences = 0; promote = 0; token = 0
}
