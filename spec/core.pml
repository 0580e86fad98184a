/* The rules: `next` and the ladder, `decide` (send, void), `observe`. As in src/core/, and as there
 * without any act of their own: each inline runs inside the one move that commits it. */

#define OWN_OP pay[p].op[OWN]
#define VOID_OP pay[p].op[VOIDING]

/* -- next: src/core/next.ts, src/core/ladder.ts --------------------------------------------------- */

inline say(what, kind_, i_) {
  pay[p].step = what; pay[p].stepKind = kind_; pay[p].stepOp = i_
}

/* Called after each change of what it reads, so that `step` is always that of the row as it is. */
inline next(p) {
  if
  :: P.state == 0 || P.parked -> say(nothing, 0, 0)
  :: else ->
    if
    :: P.state == initiated ->
      if
      :: OBJECT_FIRST -> say(send_new, create, OWN)
      :: else -> say(send_new, authorise, OWN)
      fi
    :: P.state == validated || P.state == authorised ->
      if
      :: VOID_OP.kind != 0 -> pursue(p, VOIDING)
      :: else ->
        if
        :: OWN_OP.kind != 0 -> towardsMoney(p)
        :: else ->
          if
          :: P.voidRequested -> voidStep(p)
          :: else ->
            if
            :: P.state == authorised -> say(send_new, capture, OWN)
            :: P.state == validated && OBJECT_FIRST && P.objectId == 0 ->
              say(send_new, create, OWN)
            :: else -> say(send_new, authorise, OWN)
            fi
          fi
        fi
      fi
    :: P.state == declined && OBJECT_FIRST && P.objectId != 0 && !P.objectCancelled ->
      /* cancelLeftObject: what a decline leaves behind could still be used. */
      if
      :: VOID_OP.kind != 0 ->
        pursue(p, VOIDING);
        if
        :: P.step == park -> say(nothing, 0, 0)
        :: else -> skip
        fi
      :: else -> say(send_new, void_, VOIDING)
      fi
    :: else -> say(nothing, 0, 0)
    fi
  fi
}

#define CAN_FENCE ((P.objectId == 0 && CANCEL_BY_REFERENCE) || (P.objectId != 0 && FENCE))

inline towardsMoney(p) {
  if
  :: LAST(OWN_OP) == open_ && OWN_OP.age < 2 -> say(wait, 0, 0)
  :: else ->
    if
    :: P.voidRequested && (!IS_OPEN(OWN_OP) || CAN_FENCE || OWN_OP.kind == create) -> voidStep(p)
    :: else -> pursue(p, OWN)
    fi
  fi
}

inline voidStep(p) {
  if
  :: P.objectId == 0 && (OWN_OP.kind == 0 || OWN_OP.kind == create || !IS_OPEN(OWN_OP)) ->
    say(finish_void, 0, 0)
  :: else -> say(send_new, void_, VOIDING)
  fi
}

/* A sender that was heard of no more belongs to nobody until recover_at (age 2). */
inline pursue(p, i) {
  if
#ifdef MUTANT_NO_RECOVERY
  :: LAST(O) == open_ -> say(wait, 0, 0)
#else
  :: LAST(O) == open_ && O.age < 2 -> say(wait, 0, 0)
#endif
  :: else ->
    if
    :: FAILED(O) -> say(park, 0, i)       /* a refused void; this processor refuses none */
    :: !FAILED(O) && IS_DUE(O) -> retry(p, i)
    :: else -> ladder(p, i)
    fi
  fi
}

/* Not executed: the same key where its own answers said so, else a new attempt. */
inline retry(p, i) {
  if
  :: SPENT(O) >= MAX_SENDS -> say(park, 0, i)
  :: else ->
    if
    :: !HAS(O, proved) && O.keyAge == 0 -> say(send_again, O.kind, i)
    :: else -> say(send_new, O.kind, i)
    fi
  fi
}

#define CAN_LOOK (P.objectId != 0 || ABSENCE || LOOKUP_BY_REFERENCE)

#ifdef MUTANT_RESEND_PAST_WINDOW
#define KEY_HOLDS(o) 1
#else
#define KEY_HOLDS(o) (o.keyAge == 0 || (OBJECT_ONCE && o.objectId != 0 && o.asked))
#endif

/* canResend: money is not sent again once a void was asked for. */
#define CAN_RESEND(o) (!(i == OWN && P.voidRequested) && !o.storedError && SPENT(o) < MAX_SENDS && \
  o.sends < MAX_SENDS_PER_ATTEMPT && KEY_HOLDS(o))

inline ladder(p, i) {
  if
  :: P.objectId != 0 && O.inquiries == 0 -> say(look_up, O.kind, i)
  :: else ->
    if
    :: CAN_RESEND(O) ->
#ifdef MUTANT_NEW_KEY_ON_RETRY
      say(send_new, O.kind, i)
#else
      say(send_again, O.kind, i)
#endif
    :: else ->
      if
      :: !CAN_LOOK || O.inquiries >= MAX_INQUIRIES -> say(park, 0, i)
      :: else ->
        /* worthAskingAtMs: later looks wait until "nothing" can mean something. */
        if
        :: ABSENCE && O.inquiries > 0 && O.age < 3 -> say(wait, 0, 0)
        :: !ABSENCE && P.objectId == 0 && O.age < 2 -> say(wait, 0, 0)
        :: else -> say(look_up, O.kind, i)
        fi
      fi
    fi
  fi
}

/* -- A change is committed: every other reader's version is old now -------------------------------- */

inline committed(p) {
  for (xi : 0 .. WORKERS - 1) {
    if
    :: work[xi].pc == loaded && work[xi].who == p -> work[xi].stale = 1
    :: work[xi].pc == looked && work[xi].who == p -> work[xi].stale = 1
    :: else -> skip
    fi
  }
  if
  :: hook.used && hook.who == p -> hook.stale = 1
  :: else -> skip
  fi;
#if PAYMENTS > 1
  for (xi : 0 .. PAYMENTS - 1) {
    if
    :: agent[xi].reading && agent[xi].current == p -> agent[xi].stale = 1
    :: else -> skip
    fi
  }
#endif
  next(p)
}

/* -- decide: attempts and sends, src/core/decide.ts ------------------------------------------------ */

inline clearOp(p, i) {
  O.kind = 0; O.key = 0; O.objectId = 0; O.sends = 0; O.earlierSends = 0; O.age = 0;
  O.keyAge = 0; O.inquiries = 0; O.absent = 0; O.asked = 0; O.storesDeclines = 0; O.storedError = 0;
  O.outcome[0] = 0; O.outcome[1] = 0; O.outcome[2] = 0
}

/* The next attempt's number is its key: never drawn, so two workers name it alike. */
inline openAttempt(p, i, kind_) {
  xj = 0;
  if
  :: O.kind == kind_ -> xj = SPENT(O)
  :: else -> skip
  fi;
  clearOp(p, i);
  P.attemptsOpened++;
  assert(P.attemptsOpened < ATTEMPTS);
  if
  :: P.state == initiated -> P.state = validated
  :: else -> skip
  fi;
  O.kind = kind_; O.key = P.attemptsOpened; O.objectId = P.objectId; O.sends = 1;
  O.outcome[0] = open_; O.earlierSends = xj; O.storesDeclines = KEY_CACHES_ERRORS
}

inline sendAgain(p, i) {
  assert(O.kind != 0 && O.sends < MAX_SENDS);
  O.outcome[O.sends] = open_;
  O.sends++;
  O.age = 0; O.inquiries = 0; O.absent = 0; O.asked = 0;
  O.storesDeclines = O.storesDeclines && (O.keyAge == 0)
}

/* The agent's void: at once only where nothing is out and nothing is left at the processor. */
inline voidCommand(p) {
  if
  :: P.state == initiated -> P.state = voided
#ifdef MUTANT_VOID_WHILE_OUT
  :: P.state == validated && VOID_OP.kind == 0 -> endUnpaid(p, voided)
#else
  :: P.state == validated && P.objectId == 0 && VOID_OP.kind == 0 && !IS_OPEN(OWN_OP) ->
    endUnpaid(p, voided)
#endif
  :: else -> P.voidRequested = 1
  fi
}

/* -- observe: src/core/observe.ts, src/core/by-object.ts ------------------------------------------- */

inline endUnpaid(p, how) {
  P.state = how; P.voidRequested = 0; P.parked = 0;
  clearOp(p, OWN); clearOp(p, VOIDING)
}

inline toCaptured(p, obj_) {
  P.state = captured; P.objectId = obj_; P.voidRequested = 0; P.parked = 0;
  clearOp(p, OWN); clearOp(p, VOIDING)
}

inline toAuthorised(p, obj_) {
  P.state = authorised; P.objectId = obj_; P.parked = 0;
  clearOp(p, OWN)
}

/* What the object's state says about the payment; xc: it decided something. */
inline byObject(p, obj_, shows_, isFresh) {
  xc = 0;
  if
  :: shows_ == 0 || P.state == 0 -> skip
  :: else ->
    if
    :: ENDED_UNPAID(P.state) ->
      if
      :: P.state == declined && shows_ == voided && VOID_OP.kind != 0 ->
        P.objectCancelled = 1; clearOp(p, VOIDING); xc = 1
      :: shows_ == captured -> toCaptured(p, obj_); xc = 1      /* corrected */
      :: shows_ == authorised && isFresh ->                  /* corrected, and given back */
        toAuthorised(p, obj_); P.voidRequested = 1; xc = 1
      :: else -> skip
      fi
    :: P.state == captured ->
      assert(P.objectId == obj_ || (shows_ != captured && shows_ != authorised))
    :: else ->
      if
      :: P.objectId != 0 && P.objectId != obj_ ->
        if
        :: shows_ == captured || shows_ == authorised ->
          printf("BROKEN 1: a second object of one payment holds money\nth_");
          assert(false)
        :: else -> skip
        fi
      :: else -> whileLive(p, obj_, shows_)
      fi
    fi
  fi
}

/* A decline speaks for one send, unless it is stored under the key. */
#ifdef MUTANT_DECLINE_BELIEVED_UNSTORED
#define isCurrent(obj_) (P.objectId == obj_ || OWN_OP.key == obj_)
#else
#define isCurrent(obj_) ((P.objectId == obj_ || OWN_OP.key == obj_) && \
  (OWN_OP.kind == 0 || OWN_OP.storesDeclines || OWN_OP.earlierSends + MAYBES(OWN_OP) <= 1))
#endif

inline whileLive(p, obj_, shows_) {
  if
  :: shows_ == captured -> toCaptured(p, obj_); xc = 1
  :: shows_ == authorised && P.state != authorised -> toAuthorised(p, obj_); xc = 1
  :: shows_ == created && P.state == validated && P.objectId == 0 && OWN_OP.kind == create ->
    P.objectId = obj_; clearOp(p, OWN); xc = 1
  :: shows_ == voided && P.state == authorised -> endUnpaid(p, voided); xc = 1
  :: shows_ == voided && P.state == validated && (P.objectId == obj_ || isCurrent(obj_)) ->
    endUnpaid(p, voided); xc = 1
  :: shows_ == declined && P.state == validated && isCurrent(obj_) ->
    endUnpaid(p, declined); xc = 1
  :: else -> skip
  fi
}

/* The processor said no for good to this operation. */
inline failed(p, i) {
  if
  :: O.kind == authorise || O.kind == create -> endUnpaid(p, declined)
  :: O.kind == capture -> clearOp(p, OWN); P.voidRequested = 1; P.parked = 0
  :: else -> skip
  fi
}

/* An answer, or the certainty that nothing was sent, of send `nth_` (from 0) of attempt `att_`. */
inline onAnswer(p, kind_, att_, nth_, signal_, obj_, shows_) {
  byObject(p, obj_, shows_, 0);
  if
  :: !xc && ENDED_UNPAID(P.state) && shows_ == authorised ->
    byObject(p, obj_, R.object[obj_], 1)            /* needsFreshLook */
  :: else -> skip
  fi;
  if
  :: xc -> skip
  :: !xc && VOID_OP.kind != 0 && VOID_OP.key == att_ -> onSend(p, VOIDING, kind_, nth_, signal_, shows_)
  :: !xc && OWN_OP.kind != 0 && OWN_OP.key == att_ -> onSend(p, OWN, kind_, nth_, signal_, shows_)
  :: else -> skip
  fi
}

inline onSend(p, i, kind_, nth_, signal_, shows_) {
  if
  :: kind_ == void_ && signal_ == done && shows_ == 0 ->
    /* Cancelled by our reference: nothing was there and nothing will come. */
    if
    :: P.state == validated || P.state == authorised -> endUnpaid(p, voided)
    :: else -> skip
    fi
  :: else ->
    xo = unknown;
    if
    :: signal_ == declined -> xo = declined
    :: signal_ == slow_down || signal_ == not_sent -> xo = refused
    :: signal_ == done && kind_ == authorise && shows_ == voided -> xo = refused
#ifdef MUTANT_504_IS_FAILURE
    :: signal_ == gateway_error -> xo = declined
#endif
#ifdef MUTANT_504_IS_NOT_EXECUTED
    :: signal_ == gateway_error -> xo = refused
#endif
    :: signal_ == stored_error -> O.storedError = 1
    :: else -> skip
    fi;
    /* isNews: a send that is settled is not unsettled by a vaguer word. */
    if
    :: O.outcome[nth_] == open_ || O.outcome[nth_] == unknown || xo == declined -> O.outcome[nth_] = xo
    :: else -> skip
    fi;
    if
    :: FAILED(O) -> failed(p, i)
    :: else -> skip
    fi
  fi
}

/* A look-up for operation `i`. `found`: it was answered; `late`: asked at age 3 of the last send. */
inline onFinding(p, i, kind_, obj_, shows_, isAnswered, isConsistent, isLate, isFresh) {
  byObject(p, obj_, shows_, isFresh);
  if
  :: !xc && O.kind == kind_ && kind_ != 0 ->
    if
    :: O.inquiries < MAX_INQUIRIES -> O.inquiries++
    :: else -> skip
    fi;
    O.asked = isAnswered;
#ifdef MUTANT_NOT_FOUND_IS_ABSENCE
    if
    :: isAnswered && !HAS(O, declined) -> provedAbsent(p, i)
    :: else -> skip
    fi
#else
    if
    :: isAnswered && isConsistent && isLate && O.absent < 2 -> O.absent++
    :: else -> skip
    fi;
    if
    :: ABSENCE && O.absent == 2 && IS_OPEN(O) && isAnswered && isConsistent -> absence(p, i, shows_)
    :: else -> skip
    fi
#endif
  :: else -> skip
  fi
}

/* Nothing can follow any more: a decline that one send got stands, else all did nothing. */
inline absence(p, i, shows_) {
  if
  :: i == OWN && (HAS(O, declined) || (O.kind == authorise && shows_ == declined)) -> failed(p, i)
  :: else -> provedAbsent(p, i)
  fi
}

inline provedAbsent(p, i) {
  for (xj : 0 .. MAX_SENDS - 1) {
    if
    :: O.outcome[xj] != 0 && O.outcome[xj] != refused -> O.outcome[xj] = proved
    :: else -> skip
    fi
  }
}
