// Carries out a command on the ledger, inside the transaction of its request, and says what is
// answered and told. Keys and faults wrap this; the rules of a charge are in `charges.ts`.
import { presentCharge, refuse, say } from './answers.ts'
import type { Answer } from './answers.ts'
import { authorise, cancel, capture, complete, create, refund, reverse, ripen } from './charges.ts'
import type { Charge, EventType, Refusal, Result, Ruling, Step } from './charges.ts'
import type { Command } from './commands.ts'
import type { Ids } from './ids.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatorSettings } from './options.ts'
import { declines, sentinelOf } from './sentinels.ts'
import { movementsBetween } from './settlements.ts'

/** What a request has at hand while it is carried out. */
export interface Scene {
  readonly ledger: Ledger
  readonly settings: SimulatorSettings
  readonly ids: Ids
  readonly nowMs: number
  /** Where the simulator is reached; for links. */
  readonly origin: () => string
  /** A fault: the issuer says no, whatever it would have said. */
  readonly declines: boolean
}

export interface Told {
  readonly type: EventType
  readonly charge: Charge
}

/** What is answered, and the events that go out once the transaction is durable. */
export interface Done {
  readonly answer: Answer
  readonly told: readonly Told[]
}

export function perform(command: Command, scene: Scene): Done {
  switch (command.do) {
    case 'refuse':
      return quiet(
        refuse('invalid_request', `${command.param} is wrong or not known here.`, {
          param: command.param,
        }),
      )
    case 'charge':
      return makeCharge(command, scene)
    case 'confirm':
      return onCharge(command.id, scene, (charge) =>
        authorise(
          { ...charge, captureAtOnce: command.capture },
          rulingOn(charge, command.capture, scene),
          scene.settings,
          scene.nowMs,
        ),
      )
    case 'capture':
      return onCharge(command.id, scene, (charge) => {
        if (refusesCapture(charge)) return 'capture_declined'
        if (declinesIn(charge, 'authorised', scene)) return 'declined'
        return capture(charge, command.amount ?? charge.amount, scene.settings, scene.nowMs)
      })
    case 'cancel':
      return onCharge(command.id, scene, (charge) => (scene.declines ? 'declined' : cancel(charge)))
    case 'refund':
      return makeRefund(command, scene)
    case 'cancel_reference':
      return cancelReference(command.reference, scene)
  }
}

/** The issuer says no to something after the authorisation. */
type No = 'declined' | 'capture_declined'

/** Everything that falls due by itself, a bounded number at a time. */
export function ripenDue(scene: Scene, limit: number): readonly Told[] {
  const { ledger, settings, nowMs } = scene
  return ledger.chargesDue(nowMs, limit).flatMap((before) => {
    const step = ripen(before, settings, nowMs)
    return save(before, step, scene)
  })
}

/** Admin: the person did what `requires_action` waits for. */
export function completeAction(id: string, scene: Scene): Done {
  const { settings, nowMs } = scene
  return onCharge(id, scene, (charge) =>
    complete(charge, settings.authorisationWindowMs, settings, nowMs),
  )
}

/** Admin: money goes back without our caller having asked. */
export function dispute(id: string, amount: number, scene: Scene): Done {
  return onCharge(id, scene, (charge) => reverse(charge, amount))
}

function makeCharge(command: Extract<Command, { do: 'charge' }>, scene: Scene): Done {
  const { ledger, ids, nowMs, settings } = scene
  const { terms, confirm } = command
  if (isFenced(terms.reference, ledger)) {
    return quiet(refuse('reference_cancelled', 'This reference was cancelled before it arrived.'))
  }
  const id = ids.next('ch', nowMs)
  const created = { ...create(id, terms, nowMs), captureAtOnce: confirm && command.capture }
  const step: Result =
    confirm || scene.declines
      ? authorise(created, rulingOn(created, command.capture, scene), settings, nowMs)
      : { charge: created, events: [] }
  // A charge that was made a moment ago is in no state that could refuse.
  if (typeof step === 'string') throw new Error(`a new charge says ${step}`)
  const told = save(null, step, scene)
  return { answer: answerWith(step.charge), told }
}

function makeRefund(command: Extract<Command, { do: 'refund' }>, scene: Scene): Done {
  const { id, amount, reference, metadata } = command
  const { nowMs } = scene
  return onCharge(id, scene, (charge) => {
    if (declinesIn(charge, 'captured', scene)) return 'declined'
    const refundId = scene.ids.next('re', nowMs)
    const made = { id: refundId, amount, status: 'succeeded', reference, metadata } as const
    return refund(charge, { ...made, createdAtMs: nowMs })
  })
}

/**
 * Cancels what is there with this reference and blocks whatever arrives later with it. Where money
 * has already moved it changes nothing: a block would then hide the capture behind a success.
 */
function cancelReference(reference: string, scene: Scene): Done {
  const { ledger } = scene
  const charges = ledger.chargesByReference(reference)
  const captured = charges.find((charge) => charge.status === 'captured')
  if (captured !== undefined) return quiet(refuseBy('unexpected_state', captured))
  if (scene.declines) return quiet(refuse('declined', 'The cancellation was refused.'))
  ledger.count('fence', reference)
  let last: Charge | null = charges.at(-1) ?? null
  const told = charges.flatMap((before) => {
    const step = cancel(before)
    if (typeof step === 'string') return []
    last = step.charge
    return save(before, step, scene)
  })
  const charge = last === null ? null : presentCharge(last)
  return { answer: say({ object: 'cancellation', reference, blocked: true, charge }), told }
}

function onCharge(id: string, scene: Scene, act: (charge: Charge) => Result | No): Done {
  const before = scene.ledger.charge(id)
  if (before === null)
    return quiet(refuse('not_found', 'There is no such charge.', { param: 'id' }))
  const result = act(before)
  if (typeof result === 'string') return quiet(refuseBy(result, before))
  return { told: save(before, result, scene), answer: answerWith(result.charge) }
}

function save(before: Charge | null, { charge, events }: Step, scene: Scene): Told[] {
  const { ledger, settings, nowMs } = scene
  if (before === null) ledger.insertCharge(charge)
  else ledger.updateCharge(charge)
  for (const movement of movementsBetween(before, charge, settings.settleAfterMs, nowMs)) {
    ledger.insertMovement(movement)
  }
  return events.map((type) => ({ type, charge }))
}

/** What the issuer says about a charge; sentinel payees have it their way. */
function rulingOn(charge: Charge, captures: boolean, scene: Scene): Ruling {
  const { authorisationWindowMs } = scene.settings
  const no = (why: keyof typeof declines): Ruling => ({ says: 'no', ...declines[why] })
  if (scene.declines) return no('declined')
  switch (sentinelOf(charge.payee)?.behaviour) {
    case 'declined':
      return no('declined')
    case 'insufficient_funds':
      return no('insufficient_funds')
    case 'declined_once':
      if (scene.ledger.count('declined_once', billOf(charge)) === 1) return no('declined_once')
      break
    case 'capture_declined':
      if (captures) return no('capture_declined')
      break
    case 'action_required': {
      const actionUrl = `${scene.origin()}/v1/charges/${charge.id}/complete_action`
      return { says: 'ask_person', actionUrl }
    }
    case 'processing':
      return { says: 'later', validForMs: authorisationWindowMs }
    case 'expires':
      return { says: 'yes', validForMs: 0 }
    case undefined:
  }
  return { says: 'yes', validForMs: authorisationWindowMs }
}

/** Two payments for one bill carry the same bill hash, or else the same payee and reference. */
function billOf({ metadata, payee, reference }: Charge): string {
  const hash = metadata['bill_hash']
  if (hash !== undefined) return hash
  return JSON.stringify([payee.toLowerCase(), metadata['reference_hash'] ?? reference])
}

function refusesCapture({ status, payee }: Charge): boolean {
  return status === 'authorised' && sentinelOf(payee)?.behaviour === 'capture_declined'
}

/** A charge in another state refuses by itself, and that comes first. */
function declinesIn(charge: Charge, status: Charge['status'], scene: Scene): boolean {
  return scene.declines && charge.status === status
}

function isFenced(reference: string, ledger: Ledger): boolean {
  return ledger.counted('fence', reference) > 0
}

/** A declined charge is there and can be read, but the answer is an error. */
function answerWith(charge: Charge): Answer {
  if (charge.status !== 'declined' || charge.decline === null) return say(presentCharge(charge))
  return refuse('declined', charge.decline.reason, {
    decline_code: charge.decline.code,
    charge_id: charge.id,
  })
}

function refuseBy(why: Refusal | No, charge: Charge): Answer {
  switch (why) {
    case 'unexpected_state':
      return refuse('unexpected_state', `The charge is ${charge.status}.`, {
        charge: presentCharge(charge),
      })
    case 'amount_too_large':
      return refuse('amount_too_large', 'More than there is left.', { param: 'amount' })
    case 'declined':
    case 'capture_declined': {
      const { code, reason } = declines[why]
      return refuse('declined', reason, { decline_code: code, charge_id: charge.id })
    }
  }
}

function quiet(answer: Answer): Done {
  return { answer, told: [] }
}
