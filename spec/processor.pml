/* The processor: as unkind as its capabilities allow, and it keeps what it promises. As in
 * test/model/processor.ts, written anew. */

/* -- The processor: what a request does when it arrives ------------------------------------------- */

/* Sets xsig (signal), xo (object), xst (what it shows). `how`: plain, declined, slow_down, done_500,
 * not_done_500. An answer under a key that is stored is given again, whatever has happened since. */
inline execute(p, kind_, att_, target, how) {
  xo = target;
  if
  :: target == 0 && kind_ != void_ -> xo = att_
  :: else -> skip
  fi;
  xst = 0; xsig = done; xc = 0;
  if
  :: R.forgot[att_] && !(OBJECT_ONCE && target != 0) ->
    printf("BROKEN 9: a request arrives after its key has been forgotten\n");
    assert(false)
  :: else -> skip
  fi;
  if
  :: R.key[att_] != 0 ->
    xsig = R.key[att_]; xst = R.shown[att_];
    if
    :: xsig == server_error -> xsig = stored_error
    :: else -> skip
    fi
  :: R.key[att_] == 0 && how == slow_down -> xsig = slow_down
  :: R.key[att_] == 0 && how == not_done_500 ->
    xsig = server_error;
    if
    :: KEY_CACHES_ERRORS -> R.key[att_] = server_error
    :: else -> skip
    fi
  :: else ->
    act(p, kind_, att_, target, how);
    if
    :: how == done_500 -> xsig = server_error; xst = 0
    :: else -> skip
    fi;
    if
    :: xc || KEY_CACHES_ERRORS -> R.key[att_] = xsig; R.shown[att_] = xst
    :: else -> skip
    fi
  fi;
  if
  :: xst == 0 -> xo = 0
  :: else -> skip
  fi
}

/* xc: it did what was asked, so the answer is kept under the key. */
inline act(p, kind_, att_, target, how) {
  if
  :: kind_ == create ->
    R.object[att_] = created; xst = created; xc = 1
  :: kind_ == authorise && target == 0 && R.fenced -> skip
  :: kind_ == authorise && !(target == 0 && R.fenced) ->
    if
    :: target != 0 && R.object[xo] != created && R.object[xo] != declined -> xst = R.object[xo]
    :: how == declined && !(target != 0 && R.object[xo] != created && R.object[xo] != declined) ->
      xsig = declined; xst = declined;
      if
      :: R.object[xo] == 0 || R.object[xo] == created -> R.object[xo] = declined
      :: else -> skip
      fi
    :: else ->
      xc = 1;
      if
      :: TWO_STEP -> holdMoney(p)
      :: else -> R.object[xo] = captured; R.captures++
      fi;
      xst = R.object[xo]
    fi
  :: kind_ == capture ->
    if
    :: how == declined -> xsig = declined
    :: how != declined && (R.object[target] == authorised ||
      (R.object[target] == captured && !OBJECT_ONCE) || (R.object[target] == voided && !FENCE)) ->
      R.object[target] = captured; R.captures++; xst = captured; xc = 1
    :: else -> xst = R.object[target]
    fi
  :: kind_ == void_ && target != 0 ->
    if
    :: R.object[target] == captured -> xst = captured
    :: else -> R.object[target] = voided; xst = voided; xc = 1
    fi
  :: else -> cancelByReference(p)
  fi
}

inline holdMoney(p) {
  if
  :: R.object[xo] == authorised ->
    printf("BROKEN 1: money is held twice under one attempt\n");
    assert(false)
  :: else -> R.object[xo] = authorised
  fi
}

inline cancelByReference(p) {
  R.fenced = 1; xc = 1;
  for (xj : 1 .. ATTEMPTS - 1) {
    if
    :: R.object[xj] == captured -> xo = xj; xst = captured; xc = 0
    :: R.object[xj] != 0 && R.object[xj] != captured ->
      R.object[xj] = voided;
      if
      :: xst != captured -> xo = xj; xst = voided
      :: else -> skip
      fi
    :: else -> skip
    fi
  }
}

/* A consistent read: the object that is known, else the most telling of the payment's. */
inline read(p) {
  xo = P.objectId; xst = 0;
  if
  :: xo != 0 -> xst = R.object[xo]
  :: else ->
    for (xj : 1 .. ATTEMPTS - 1) {
      if
      :: R.object[xj] == captured -> xo = xj; xst = captured
      :: R.object[xj] == authorised && xst != captured -> xo = xj; xst = authorised
      :: R.object[xj] != 0 && R.object[xj] != captured && R.object[xj] != authorised &&
        xst != captured && xst != authorised -> xo = xj; xst = R.object[xj]
      :: else -> skip
      fi
    }
  fi
}
