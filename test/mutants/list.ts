// Defects that must never ship, each as one small change of the source. A loader applies one of them
// while the simulation is imported; production source holds no switch. Whoever changes the code below
// a patch changes the patch too: one that does not apply exactly once fails the run.

export interface Mutant {
  readonly name: string
  /** What would go wrong in the world. */
  readonly why: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** A test that catches it, where the simulated world cannot; `why` says why not. */
  readonly unit?: { readonly file: string; readonly name: string }
}

export const mutants: readonly Mutant[] = [
  {
    name: '504 treated as failed',
    why: 'the payment may have happened, and is made again',
    file: 'src/core/outcome.ts',
    find: "gateway_error: { outcome: 'unknown'",
    replace: "gateway_error: { outcome: 'declined'",
  },
  {
    name: 'a lost connection treated as not sent',
    why: 'its request may still arrive, under a key that is given up',
    file: 'src/core/outcome.ts',
    find: "connection_lost: {\n    outcome: 'unknown'",
    replace: "connection_lost: {\n    outcome: 'not_executed'",
  },
  {
    name: 'a stored 500 treated as not executed',
    why: 'the next attempt has a new key while the first may have acted',
    file: 'src/core/outcome.ts',
    find: "server_error: { outcome: 'unknown'",
    replace: "server_error: { outcome: 'not_executed'",
  },
  {
    name: 'a look-up that finds nothing treated as proof',
    why: 'the request is still on its way, and what was read was not the last word',
    file: 'src/core/observe.ts',
    find: 'if (askedAtMs <= afterMs || asked.filter((atMs) => atMs > afterMs).length < 2) return []',
    replace: 'if (asked.length < 1 || afterMs < 0) return []',
  },
  {
    name: 'clocks taken for exact',
    why: 'by a clock that is ahead nothing can arrive any more, and then it does',
    file: 'src/core/operation.ts',
    find: 'absenceAfterMs + clockErrorMs + leaptMs(leap, atMs)',
    replace: 'absenceAfterMs + 0 * (clockErrorMs + leaptMs(leap, atMs))',
  },
  {
    name: 'a clock that leaps forward believed',
    why: 'the same, when the clock is corrected while we run',
    file: 'src/core/operation.ts',
    find: 'callTimeoutMs + absenceAfterMs + clockErrorMs + leaptMs(leap, atMs)',
    replace: 'callTimeoutMs + absenceAfterMs + clockErrorMs + leaptMs(leap, Infinity)',
  },
  {
    name: 'new key on retry',
    why: 'an unknown send is followed by one that the processor cannot recognise',
    file: 'src/core/ladder.ts',
    find: "if (mayResend && given.blocked === null) return { do: 'send', target, again: true }",
    replace: "if (mayResend && given.blocked === null) return { do: 'send', target, again: false }",
  },
  {
    name: 'key window ignored',
    why: 'the processor has forgotten the key and acts again',
    file: 'src/core/operation.ts',
    find: 'return first + capabilities.keyWindowMs - policy.keyWindowMarginMs',
    replace: 'return first + 100 * capabilities.keyWindowMs + policy.keyWindowMarginMs',
  },
  {
    name: 'key margin forgotten',
    why: 'clocks differ: the key is used when the processor may have forgotten it',
    file: 'src/core/operation.ts',
    find: 'return first + capabilities.keyWindowMs - policy.keyWindowMarginMs',
    replace: 'return first + capabilities.keyWindowMs + 2 * policy.keyWindowMarginMs',
  },
  {
    name: 'event outside the transaction',
    why: 'a crash leaves a payment whose history does not say how it got there',
    file: 'src/engine/change.ts',
    find: "...(events.length > 0 ? [{ do: 'record', paymentId: payment.id, events } as const] : []),",
    replace: '',
  },
  {
    name: 'acknowledged before the commit is known',
    why: 'the agent is told of a payment that does not exist',
    file: 'src/engine/submit.ts',
    find: "if (committed.result === 'unknown') {\n    engine.meter.inDoubt()\n    return rejected(",
    replace:
      "if (committed.result === 'unknown') {\n    if (paymentId !== '') return { result: 'accepted', paymentId }\n    return rejected(",
  },
  {
    name: 'no version check',
    why: 'two workers overwrite what the other has stored',
    file: 'src/engine/change.ts',
    find: 'value, if: { version: row.version } },',
    replace: 'value, if: null },',
  },
  {
    name: 'attempt recorded after the call',
    why: 'a crash in between forgets that anything was sent',
    file: 'src/engine/advance.ts',
    find: 'const changed = await change(\n    engine,\n    paymentId,\n    (payment, nowMs, gates) => {\n      started.steadyMs',
    replace:
      "const [peek] = await engine.store.read([{ table: 'payment', key: paymentId }])\n  if (peek !== null) {\n    const foreseen = next(peek.value.payment, circumstances(engine, peek.value.payment, await readGates(engine, peek.value.payment)), engine.time.nowMs(0))\n    if (foreseen.do === 'send' && !foreseen.again) {\n      const stored = toStore(engine, peek.value.payment, foreseen, engine.time.nowMs(0), await readGates(engine, peek.value.payment))\n      const opened = stored.facts?.find((fact) => fact.type === 'attempt_opened')\n      const processor = boundProcessor(engine, peek.value.payment)\n      if (opened !== undefined && processor !== null) await processor.send({ kind: foreseen.target.kind, attempt: opened.attempt, payment: peek.value.payment, timeoutMs: 10_000 })\n    }\n  }\n  const changed = await change(\n    engine,\n    paymentId,\n    (payment, nowMs, gates) => {\n      started.steadyMs",
  },
  {
    name: 'a stalled sender sends after all',
    why: 'others have concluded meanwhile that nothing was sent',
    file: 'src/engine/advance.ts',
    find: 'Math.max(engine.clock.steadyMs() - started.steadyMs, engine.clock.nowMs() - started.wallMs)',
    replace: 'Math.min(0, engine.clock.nowMs() - started.wallMs)',
  },
  {
    name: 'outbox marked before delivery',
    why: 'a crash in between loses events for whoever listens',
    file: 'src/engine/relay.ts',
    find: 'const result = await publisher.publish(page.events)',
    replace:
      'await engine.store.acknowledge(publisher.name, page.receipt)\n  const result = await publisher.publish(page.events)',
  },
  {
    name: 'evidence of a stale worker dropped',
    why: 'the answer that says what happened is thrown away',
    file: 'src/engine/advance.ts',
    find: 'last = await change(engine, paymentId, decideOn).catch(',
    replace:
      'last = await change(engine, paymentId, decideOn, { guard: (row) => row.run <= 1 }).catch(',
  },
  {
    name: 'a webhook believed as it came',
    why: 'it tells how things stood when it was sent, not how they stand',
    file: 'src/engine/advance.ts',
    find: "const evidence: Evidence = { kind: 'finding', target: null, by: 'object', ...asked }",
    replace:
      "const evidence: Evidence = { kind: 'finding', target: null, by: 'object', ...asked, finding: { ...asked.finding, object: hint } }",
  },
  {
    name: 'last answer wins over an earlier unknown',
    why: 'the earlier send may still act after the payment was called declined',
    file: 'src/core/operation.ts',
    find: "const open = has('unknown') || has(null)",
    replace: "const open = ['unknown', null].includes(sends.at(-1)?.outcome ?? null)",
  },
  {
    name: 'decline of a re-send believed where errors are not stored',
    why: 'the decline speaks for one send; an earlier one may have taken the money',
    file: 'src/core/operation.ts',
    find: "return storesDeclines && declined.some((send) => send.cause !== 'invalid_content')",
    replace: 'return declined.length > 0 || storesDeclines',
  },
  {
    name: 'void accepted while a send is out',
    why: 'the agent is told that no money moves, and then it does',
    file: 'src/core/decide.ts',
    find: '!isOpen(payment.operation) && payment.objectId === null && payment.voiding === null\n      return clean',
    replace: 'payment.objectId === null && payment.voiding === null\n      return clean',
  },
  {
    name: 'void finished while a send is out',
    why: 'the same, by the driver',
    file: 'src/core/next.ts',
    find: 'const nothingLeft = payment.objectId === null && !isOpen(operation)',
    replace: 'const nothingLeft = payment.objectId === null',
  },
  {
    name: 'retry_of without its condition',
    why: 'two retries of one bill at the same moment both pay',
    file: 'src/engine/submit.ts',
    find: '{ ...put, if: { paymentIs: id } },',
    replace: '{ ...put, if: null },',
  },
  {
    name: 'retry_of of a payment that is still open',
    why: 'both may take the money',
    file: 'src/core/claim.ts',
    find: 'if (!endedWithoutMoney(current)) {\n    return reject(',
    replace: 'if (current.state === current.state.toUpperCase()) {\n    return reject(',
  },
  {
    name: 'reference guard without its condition',
    why: 'two claims of one bill at the same moment both pay',
    file: 'src/engine/submit.ts',
    find: 'if (current === null) return [{ ...put, if: { absent: true } }]',
    replace: 'if (current === null) return [{ ...put, if: null }]',
  },
  {
    name: 'reference not compared',
    why: 'a second request for one bill under a new key pays again',
    file: 'src/core/claim.ts',
    find: 'refusedByReference(request, given) ??\n    refusedByLookAlike(request, given, nowMs) ??',
    replace: '',
  },
  {
    name: 'look-alike ignored',
    why: 'an agent that plans anew writes the reference in another way, and pays again',
    file: 'src/core/claim.ts',
    find: '(payment) => payment.id !== terms.retryOf && looksAlike(payment, nowMs, leap),',
    replace: '(payment) => payment.id === terms.retryOf && looksAlike(payment, nowMs, leap),',
  },
  {
    name: 'look-alikes among open payments ignored',
    why: 'the first one is still on its way when the second is claimed',
    file: 'src/core/guards.ts',
    find: "    case 'validated':\n    case 'authorised':\n      return true\n    case 'captured':",
    replace:
      "    case 'validated':\n    case 'authorised':\n      return false\n    case 'captured':",
  },
  {
    name: 'another body under a known key accepted',
    why: 'the agent believes that its second bill is paid',
    file: 'src/engine/submit.ts',
    find: "if (row.fingerprint === fingerprint) return { result: 'replayed', paymentId }",
    replace:
      "if (row.fingerprint !== '' || fingerprint === '') return { result: 'replayed', paymentId }",
  },
  {
    name: 'budget not reserved',
    why: 'claims at the same moment together exceed the limit',
    file: 'src/engine/submit.ts',
    find: '    ...budgetActions(payment, read.facts.mandates),\n',
    replace: '',
  },
  {
    name: 'budget released twice',
    why: 'more is left than was ever given',
    file: 'src/core/mandate.ts',
    find: 'return left === 0 && spent === 0 ? null : { left, spent }',
    replace:
      'return left === 0 && spent === 0 ? null : { left: left > 0 ? 2 * left : left, spent }',
  },
  {
    name: 'budget not condition of the write',
    why: 'two claims see the same rest and both take it',
    file: 'src/engine/submit.ts',
    find: 'const condition = { leftAtLeast: amount, mandateVersion: mandate.version }',
    replace: 'const condition = null',
  },
  {
    name: 'breaker forgotten on restart',
    why: 'each new process sends into the outage again',
    file: 'src/engine/gates.ts',
    find: 'return { stop, pause, breaker, suspended }',
    replace: 'return { stop, pause, breaker: null, suspended }',
  },
  {
    name: 'stop not looked at before the call',
    why: 'what was stopped goes out all the same',
    file: 'src/engine/gates.ts',
    find: "if (stop?.value.halted === true) return by('stopped', stop.value.atMs)",
    replace: "if (stop?.value.halted === 'yes') return by('stopped', stop.value.atMs)",
  },
  {
    name: 'probe by everybody',
    why: 'a processor that has just come back meets the whole backlog at once; in the whole engine the permit begins no second probe, so that only the gate itself shows it',
    file: 'src/core/breaker.ts',
    find: "return probe?.paymentId === paymentId ? { gate: 'pass' } : { gate: 'blocked', untilMs }",
    replace: "return paymentId !== '' ? { gate: 'pass' } : { gate: 'blocked', untilMs }",
    unit: {
      file: 'src/core/breaker.test.ts',
      name: 'one probe, and only its own verdict under its own number counts',
    },
  },
  {
    name: 'approval not waited for',
    why: 'money moves that a person has not agreed to',
    file: 'src/core/next.ts',
    find: 'if (payment.approval !== null && payment.approval.approvedBy === null) {\n    return byApproval',
    replace:
      'if (payment.approval !== null && payment.approval.hash === "") {\n    return byApproval',
  },
  {
    name: 'refund found by its amount',
    why: 'of two refunds of one amount the second is called done by the first',
    file: 'src/core/by-object.ts',
    find: 'const theirs = object.refunds.find((each) => each.attemptId === attemptId)',
    replace:
      'const theirs = object.refunds.find((each) => each.amount === refund.amount || each.attemptId === attemptId)',
  },
  {
    name: 'refund reference not compared',
    why: 'a refund that is asked for twice goes out twice',
    file: 'src/core/decide.ts',
    find: 'const same = payment.refunds.find((each) => normalise(each.reference) === normalise(reference))',
    replace:
      'const same = payment.refunds.find((each) => normalise(each.reference) === normalise(refundId))',
  },
  {
    name: 'captured money not believed after an end',
    why: 'the processor holds the money of a payment that we call voided; here no processor takes money after an end, because each keeps its word',
    file: 'src/core/by-object.ts',
    find: "if (object.amountCaptured > 0) return [{ type: 'corrected', to: 'captured', object, by }]\n  const fresh",
    replace: 'if (object.amountCaptured > 0) return []\n  const fresh',
    unit: {
      file: 'src/core/observe-late.test.ts',
      name: 'captured money corrects any end at once, and is spent though nothing was reserved any more',
    },
  },
  {
    name: 'binding to the processor account ignored',
    why: 'a payment is looked up, and paid again, at another account; the simulated world has one account',
    file: 'src/engine/engine.ts',
    find: 'return processorAccount === binding.processorAccount && livemode === binding.livemode\n    ? processor\n    : null',
    replace: "return processorAccount !== '' || livemode ? processor : null",
    unit: {
      file: 'src/engine/engine.test.ts',
      name: 'a payment bound to another processor account is held, and neither sent nor looked up',
    },
  },
  {
    name: 'due time forgotten',
    why: 'after a crash nobody looks at the payment again',
    file: 'src/engine/change.ts',
    find: 'dueAtMs: dueAtMs(next(after, circumstances(engine, after, gates), nowMs), nowMs),',
    replace:
      'dueAtMs: after.attemptsOpened > 0 ? null : dueAtMs(next(after, circumstances(engine, after, gates), nowMs), nowMs),',
  },
  {
    name: 'a new key allowed while the outcome is unknown',
    why: 'the agent does as it is told and pays twice',
    file: 'src/core/advice.ts',
    find: 'return isOpen(operation) && operation.kind !==',
    replace: "return isOpen(operation) && operation.kind === 'refund' && operation.kind !==",
  },
]
