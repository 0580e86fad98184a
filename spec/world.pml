/* Everybody who acts: workers, the wire, time, the agent, and webhooks. */

/* A fault costs one of the few that are left; what must happen anyway costs nothing. */
#define FAULT faults > 0 -> faults--

#include "processor.pml"

/* -- A worker: src/engine/advance.ts, src/engine/change.ts ----------------------------------------- */

#define ME work[w]

inline rest(w) {
  ME.pc = idle; ME.who = 0; ME.todo = 0; ME.kind = 0; ME.which = 0; ME.key = 0; ME.send = 0;
  ME.message = 0; ME.stale = 0; ME.stalled = 0; ME.fresh = 0; ME.signal = 0; ME.object = 0;
  ME.shows = 0; ME.late = 0
}

inline remember(w, p) {
  ME.key = P.op[ME.which].key; ME.send = P.op[ME.which].sends - 1
}

/* Invariant 9: no second key for money while a send of an earlier one may still take effect. */
inline noSecondKey(p, kind_) {
  if
  :: kind_ == authorise || kind_ == capture ->
    for (xj : 0 .. MESSAGES - 1) {
      if
      :: wire[xj].used && wire[xj].who == p && wire[xj].kind == kind_ &&
        ((wire[xj].objectId == 0 && !R.fenced) || (wire[xj].objectId != 0 &&
          R.object[wire[xj].objectId] != voided && R.object[wire[xj].objectId] != captured)) ->
        printf("BROKEN 9: a second key while a send of the first is on its way\n");
        assert(false)
      :: else -> skip
      fi
    }
    for (xj : 0 .. WORKERS - 1) {
      if
      :: work[xj].pc == stored && work[xj].who == p && work[xj].kind == kind_ && work[xj].fresh ->
        printf("BROKEN 9: a second key while a send of the first is about to start\n");
        assert(false)
      :: else -> skip
      fi
    }
  :: else -> skip
  fi
}

/* The attempt, or its next send, becomes durable before the call. */
inline storeSend(w, p, i) {
  if
  :: ME.todo == send_new ->
    noSecondKey(p, ME.kind);
    openAttempt(p, i, ME.kind)
  :: else -> sendAgain(p, i)
  fi;
  if
  :: !ME.fresh -> O.age = 1
  :: else -> skip
  fi;
  remember(w, p)
}

inline putOnWire(w) {
  xj = 0;
  do
  :: xj < MESSAGES && wire[xj].used -> xj++
  :: else -> break
  od;
  assert(xj < MESSAGES);
  wire[xj].used = 1; wire[xj].who = ME.who; wire[xj].kind = ME.kind; wire[xj].key = ME.key;
  wire[xj].objectId = ME.object;
  ME.object = 0; ME.message = xj + 1; ME.pc = calling; ME.stalled = 0; ME.fresh = 0
}

#ifdef MUTANT_STALLED_SENDER_SENDS
#define MAY_START 1
#else
#define MAY_START ME.fresh
#endif

#define ACTIVE(s) (s == send_new || s == send_again || s == look_up || s == finish_void || s == park)

proctype Worker(byte w; byte p) {
end:
  do
  /* Load the row and ask `next`. Idle workers are alike, so only the first of them moves. */
  :: d_step {
      ME.pc == idle && ACTIVE(P.step) && (w < WORKERS || work[0].pc != idle) &&
      (w == 0 || work[0].pc != idle) ->
      ME.pc = loaded; ME.who = p; ME.todo = P.step; ME.kind = P.stepKind; ME.which = P.stepOp;
      ME.fresh = 1;
      printf("worker %d reads payment %d: %e %e\n", w, p, ME.todo, ME.kind)
    }
  /* Somebody else has committed meanwhile: read again. */
#ifndef MUTANT_NO_VERSION_CHECK
  :: d_step {
      ME.pc == loaded && ME.who == p && ME.stale ->
      rest(w); printf("worker %d: conflict, it reads again\n", w)
    }
#define MAY_COMMIT !ME.stale
#else
#define MAY_COMMIT 1
#endif
  :: d_step {
      ME.pc == loaded && ME.who == p && MAY_COMMIT && ME.todo == park ->
      rest(w); P.parked = 1; committed(p);
      printf("worker %d parks payment %d: a person is asked\n", w, p)
    }
  :: d_step {
      ME.pc == loaded && ME.who == p && MAY_COMMIT && ME.todo == finish_void ->
      rest(w); endUnpaid(p, voided); committed(p);
      printf("worker %d: payment %d is voided, nothing is left\n", w, p)
    }
#ifdef MUTANT_ATTEMPT_AFTER_CALL
  :: d_step {
      ME.pc == loaded && ME.who == p && MAY_COMMIT && ME.todo == send_new ->
      ME.key = P.attemptsOpened + 1; ME.object = P.objectId;
      putOnWire(w); ME.pc = unrecorded;
      printf("worker %d puts %e %d on the wire, not recorded\n", w, ME.kind, ME.key)
    }
  :: d_step {
      ME.pc == unrecorded && ME.who == p ->
      ME.pc = loaded; xst = ME.message; storeSend(w, p, ME.which); ME.message = xst;
      if
      :: wire[xst - 1].used -> ME.pc = calling
      :: else -> ME.pc = answered; ME.signal = gateway_error; ME.message = 0
      fi;
      committed(p);
      printf("worker %d records the attempt that is out\n", w)
    }
#define RECORDS_FIRST (ME.todo == send_again)
#else
#define RECORDS_FIRST (ME.todo == send_new || ME.todo == send_again)
#endif
  :: d_step {
      ME.pc == loaded && ME.who == p && MAY_COMMIT && RECORDS_FIRST ->
      storeSend(w, p, ME.which);
      ME.pc = stored; ME.object = P.op[ME.which].objectId; ME.todo = 0; ME.stale = 0; ME.stalled = 0;
      committed(p);
      printf("worker %d stores %e, attempt %d send %d\n", w, ME.kind, ME.key, ME.send + 1)
    }
  :: d_step {
      ME.pc == stored && ME.who == p && MAY_START ->
      assert(P.attemptsOpened >= ME.key);      /* recorded before it is sent */
      putOnWire(w);
      printf("worker %d puts attempt %d send %d on the wire\n", w, ME.key, ME.send + 1)
    }
  /* A sender that wakes up late stays silent and says so. */
  :: d_step {
      ME.pc == stored && ME.who == p && !ME.fresh ->
      ME.pc = answered; ME.signal = not_sent; ME.object = 0; ME.stalled = 0;
      printf("worker %d is too late to send attempt %d\n", w, ME.key)
    }
  /* 504, reset, timeout: the request may be on its way still. */
  :: d_step {
      ME.pc == calling && ME.who == p && FAULT;
      ME.pc = answered; ME.signal = gateway_error; ME.message = 0;
      printf("worker %d gets a 504 for attempt %d\n", w, ME.key)
    }
  :: d_step {
      ME.pc == answered && ME.who == p ->
      printf("worker %d reports %e of attempt %d\n", w, ME.signal, ME.key);
      onAnswer(p, ME.kind, ME.key, ME.send, ME.signal, ME.object, ME.shows);
      rest(w); committed(p);
      printf("  payment %d is %e\n", p, P.state)
    }
  /* A look-up leaves no mark before it. Its answer is as old as it can be when it is stored. */
  :: d_step {
      ME.pc == loaded && ME.who == p && ME.todo == look_up ->
      read(p);
      ME.pc = looked; ME.object = xo; ME.shows = xst; ME.signal = done; ME.stale = 0;
      ME.late = (P.op[ME.which].age == 3); ME.todo = 0; ME.stalled = 0;
      if
      :: P.op[ME.which].kind != 0 -> remember(w, p)
      :: else -> skip
      fi;
      printf("worker %d looks up: object %d is %e\n", w, xo, xst)
    }
  /* By our reference: an index that lags may not show what is there. */
  :: d_step {
      ME.pc == looked && ME.who == p && !ABSENCE && P.objectId == 0 && ME.shows != 0 ->
      ME.shows = 0; ME.object = 0;
      printf("  the index lags: worker %d does not find it\n", w)
    }
  :: d_step {
      ME.pc == looked && ME.who == p && ME.signal == done && FAULT;
      ME.signal = gateway_error; ME.shows = 0; ME.object = 0;
      printf("  worker %d gets no answer to its look-up\n", w)
    }
  :: d_step {
      ME.pc == looked && ME.who == p ->
      xsig = ME.late && P.op[ME.which].key == ME.key && P.op[ME.which].sends == ME.send + 1;
#ifdef MUTANT_ABSENCE_TOO_EARLY
      xsig = 1;
#endif
      printf("worker %d reports its look-up: %e\n", w, ME.shows);
      onFinding(p, ME.which, ME.kind, ME.object, ME.shows, (ME.signal == done),
        (ABSENCE || ME.object != 0), xsig, !ME.stale);
      rest(w); committed(p);
      printf("  payment %d is %e\n", p, P.state)
    }
  /* Faults of the machine. A commit whose outcome is unknown is the same: stored or not, no call. */
  :: d_step {
      ME.pc != idle && ME.who == p && FAULT;
      rest(w); printf("worker %d dies\n", w)
    }
  :: d_step {
      (ME.pc == loaded || ME.pc == stored || ME.pc == answered || ME.pc == looked) && ME.who == p &&
      !ME.stalled && FAULT;
      ME.stalled = 1;
      if
      :: ME.pc == loaded -> ME.fresh = 0
      :: else -> skip
      fi;
      printf("worker %d stands still\n", w)
    }
  od
}

/* -- The wire -------------------------------------------------------------------------------------- */

#define M wire[m]
#define HEARD (work[xi].pc == calling && work[xi].message == m + 1)

inline arrive(m, p, how) {
  printf("%e, attempt %d, arrives: %e\n", M.kind, M.key, how);
  execute(p, M.kind, M.key, M.objectId, how);
  printf("  the processor answers %e, object %d %e; captured %d times\n", xsig, xo, xst, R.captures);
  for (xi : 0 .. WORKERS - 1) {
    if
    :: HEARD ->
      work[xi].pc = answered; work[xi].signal = xsig; work[xi].object = xo; work[xi].shows = xst;
      work[xi].message = 0
    :: else -> skip
    fi
  }
  M.used = 0; M.who = 0; M.kind = 0; M.key = 0; M.objectId = 0
}

/* Is somebody waiting for it? Then it is neither lost nor late without a fault. */
#define WAITED(m) ((work[0].pc == calling && work[0].message == m + 1) || \
  (work[1].pc == calling && work[1].message == m + 1))
#define FREE_WILL (M.used && M.who == p && R.key[M.key] == 0)

proctype Wire(byte m; byte p) {
end:
  do
  :: d_step { M.used && M.who == p -> arrive(m, p, plain) }
  :: d_step {
      FREE_WILL && (M.kind == authorise || M.kind == capture) && declines > 0 ->
      declines--; arrive(m, p, declined)
    }
  :: d_step { FREE_WILL && FAULT; arrive(m, p, slow_down) }
  :: d_step { FREE_WILL && FAULT; arrive(m, p, done_500) }
  :: d_step { FREE_WILL && FAULT; arrive(m, p, not_done_500) }
  :: d_step {
      M.used && M.who == p && !WAITED(m) ->
      printf("%e, attempt %d, is lost on the way\n", M.kind, M.key);
      M.used = 0; M.who = 0; M.kind = 0; M.key = 0; M.objectId = 0
    }
  od
}

/* -- Time ------------------------------------------------------------------------------------------ */

#define BUSY(w) (work[w].pc != idle && work[w].who == p && !work[w].stalled)
#define ON_WIRE(m, k) (wire[m].used && wire[m].who == p && wire[m].key == k)
#define NONE_ON_WIRE(k) (!ON_WIRE(0, k) && !ON_WIRE(1, k) && !ON_WIRE(2, k) && !ON_WIRE(3, k))
#define ABOUT_TO(w, k) (work[w].pc == stored && work[w].who == p && work[w].key == k && work[w].fresh)
#define QUIET(k) (NONE_ON_WIRE(k) && !ABOUT_TO(0, k) && !ABOUT_TO(1, k))

/* Time passes only while nobody has anything to do at once; whoever dawdles has had a fault. */
proctype Time(byte p; byte i) {
end:
  do
  :: d_step {
      IS_OPEN(O) && O.age == 0 && !BUSY(0) && !BUSY(1) ->
      O.age = 1;
      for (xi : 0 .. WORKERS - 1) {
        if
        :: work[xi].pc == stored && work[xi].who == p && work[xi].key == O.key -> work[xi].fresh = 0
        :: else -> skip
        fi
      }
      next(p);
      printf("time: it is too late to start attempt %d send %d\n", O.key, O.sends)
    }
  :: d_step {
      IS_OPEN(O) && O.age == 1 && !BUSY(0) && !BUSY(1) ->
      O.age = 2; next(p); printf("time: recover_at of attempt %d send %d\n", O.key, O.sends)
    }
  :: d_step {
      IS_OPEN(O) && O.age == 2 && !BUSY(0) && !BUSY(1) && QUIET(O.key) ->
      O.age = 3; next(p);
      printf("time: nothing of attempt %d can arrive any more\n", O.key)
    }
  /* An outage that lasts until the key window is about to close, and one until it has closed. */
  :: d_step {
      O.kind != 0 && O.keyAge == 0 && O.age >= 2 && !BUSY(0) && !BUSY(1) && FAULT;
      O.keyAge = 1; next(p); printf("time: the window of key %d is about to close\n", O.key)
    }
  :: d_step {
      O.kind != 0 && O.keyAge == 1 && O.age >= 2 && !BUSY(0) && !BUSY(1) && QUIET(O.key) ->
      O.keyAge = 2; R.forgot[O.key] = 1; R.key[O.key] = 0; R.shown[O.key] = 0; next(p);
      printf("time: the processor has forgotten key %d\n", O.key)
    }
  od
}

/* -- The agent, webhooks, and the end of all faults ------------------------------------------------ */

proctype Wishes(byte p) {
end:
  do
  :: d_step {
      voids > 0 && (P.state == initiated || P.state == validated || P.state == authorised) &&
      !P.voidRequested ->
      voids--; voidCommand(p); committed(p);
      printf("the agent voids payment %d: it is %e\n", p, P.state)
    }
  :: d_step {
      webhooks > 0 && !hook.used && (R.object[1] != 0 || R.object[2] != 0 || R.object[3] != 0) ->
      read(p);
      webhooks--; hook.used = 1; hook.who = p; hook.object = xo; hook.shows = xst;
      printf("a webhook: object %d is read, %e\n", xo, xst)
    }
  :: d_step {
      hook.used && hook.who == p ->
      printf("the webhook is stored: object %d %e\n", hook.object, hook.shows);
      xsig = !hook.stale;
      byObject(p, hook.object, hook.shows, xsig);
      hook.used = 0; hook.stale = 0; hook.who = 0; hook.object = 0; hook.shows = 0;
      committed(p);
      printf("  payment %d is %e\n", p, P.state)
    }
  od
}

/* Nothing more goes wrong and nobody wishes anything, from any moment on. */
proctype Heal() {
end:
  d_step {
    faults > 0 || voids > 0 || webhooks > 0 ->
    faults = 0; voids = 0; webhooks = 0; printf("the faults stop\n")
  }
}

#include "claim.pml"
#include "judge.pml"
