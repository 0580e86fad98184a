// Payments as the tools of a model: what each does, and its answer with one sentence that says what to do
// now. The MCP server and the adapters of the SDK serve these; none of them decides anything.
import type { Asking } from './ask.ts'
import type { AgentClient } from './client.ts'
import { toolTexts } from './tool-texts.ts'
import type { JsonSchema, ToolName } from './tool-texts.ts'
import type { Advice, Mandate, Payment, PaymentRequest, PaymentResult, Problem } from './types.ts'

/** What a tool says, the same shape for each. */
export interface ToolAnswer extends Advice {
  /** What to do now, for a model. */
  readonly advice: string
  readonly payment: Payment | null
  readonly payments: readonly Payment[] | null
  readonly cursor: string | null
  readonly mandate: Mandate | null
  readonly problem: Problem | null
  /** It was asked for before: this is that payment. */
  readonly replayed: boolean
  /** Words of this call that an earlier one of the same bill had otherwise; they were not taken. */
  readonly ignored: readonly string[]
}

export interface ToolResult {
  readonly isError: boolean
  readonly answer: ToolAnswer
}

export interface PaymentTool {
  readonly name: ToolName
  readonly title: string
  readonly description: string
  readonly input: JsonSchema
  readonly readOnly: boolean
  /** `signal` ends a wait early; it never reaches what was asked for. */
  readonly run: (input: unknown, signal?: AbortSignal) => Promise<ToolResult>
}

export interface ToolOptions {
  /** How long a call is asked again where the service does not answer. Default 45 s. */
  readonly deadlineMs?: number
  /** How long `pay` waits for the end before it answers `wait`. Default 20 s. */
  readonly paySeconds?: number
}

/** Below the minute after which most clients of models give up. */
const defaultDeadlineMs = 45_000
const defaultSeconds = 20

type Input = Readonly<Record<string, unknown>>

export function paymentTools(
  client: AgentClient,
  options: ToolOptions = {},
): readonly PaymentTool[] {
  const { deadlineMs = defaultDeadlineMs, paySeconds = defaultSeconds } = options
  const runs = runsOf(client, { deadlineMs }, paySeconds)
  // The keys of the table are its names; `Object.keys` forgets it.
  return (Object.keys(toolTexts) as ToolName[]).map((name) =>
    Object.freeze({
      name,
      ...toolTexts[name],
      run: (input: unknown, signal?: AbortSignal) => runs[name]((input ?? {}) as Input, signal),
    }),
  )
}

type Run = (input: Input, signal?: AbortSignal) => Promise<ToolResult>

// The casts: the service checks every field of what is asked, and answers with what is wrong.
function runsOf(
  client: AgentClient,
  how: Asking,
  paySeconds: number,
): Readonly<Record<ToolName, Run>> {
  const looking = (signal?: AbortSignal): Asking =>
    signal === undefined ? how : { ...how, signal }
  const id = ({ payment_id: asked }: Input): string => String(asked)
  return {
    // No signal: a call that was cancelled was made all the same.
    pay: async (input) =>
      ending(
        await client.pay(input as unknown as PaymentRequest, { ...how, waitSeconds: paySeconds }),
      ),
    get_payment: async (input, signal) => looked(await client.get(id(input), looking(signal))),
    wait_for_payment: async (input, signal) => {
      const waitSeconds = Math.min(25, Number(input['seconds'] ?? defaultSeconds))
      return ending(await client.get(id(input), { ...looking(signal), waitSeconds }))
    },
    find_payments: async (input, signal) => {
      const found = await client.list(input, looking(signal))
      if (!found.ok) return refused(found.problem)
      const { payments, cursor } = found
      return { isError: false, answer: { ...nothing, ...foundAdvice(payments), payments, cursor } }
    },
    capture_payment: async (input) => {
      const { amount } = input as { readonly amount?: number }
      return ending(await client.capture(id(input), amount === undefined ? {} : { amount }, how))
    },
    void_payment: async (input) => {
      const { reason = 'asked for by the agent' } = input as { readonly reason?: string }
      return looked(await client.void(id(input), { reason }, how))
    },
    check_mandate: async (_, signal) => {
      const shown = await client.mandate(looking(signal))
      if (!shown.ok) return refused(shown.problem)
      const advice = 'This is what may be spent. Nothing was asked for.'
      return { isError: false, answer: { ...nothing, advice, mandate: shown.mandate } }
    },
  }
}

// ── Answers ──────────────────────────────────────────────────────────────────────────────────────

const nothing: ToolAnswer = {
  advice: '',
  money_moved: 'no',
  next_action: { type: 'none', after: null, url: null },
  new_key_allowed: false,
  payment: null,
  payments: null,
  cursor: null,
  mandate: null,
  problem: null,
  replayed: false,
  ignored: [],
}

/** A look: what was looked at is no fault of the look. */
function looked(result: PaymentResult): ToolResult {
  if (!result.ok) return refused(result.problem)
  const { payment, replayed, ignored = [] } = result
  const { money_moved, next_action, new_key_allowed } = payment
  const told =
    ignored.length === 0
      ? ''
      : ` Ignored, because it was asked for before in other words: ${ignored.join(', ')}.`
  const advice = adviceFor(payment) + told
  const said = { advice, money_moved, next_action, new_key_allowed, payment, replayed, ignored }
  return { isError: false, answer: { ...nothing, ...said } }
}

/** What was meant to move money, and ended without, is an error to a model. */
function ending(result: PaymentResult): ToolResult {
  const { answer, isError } = looked(result)
  return { isError: isError || endedUnpaid.has(answer.payment?.state ?? ''), answer }
}

const endedUnpaid: ReadonlySet<string> = new Set(['declined', 'rejected', 'voided', 'expired'])

function refused(problem: Problem): ToolResult {
  const { money_moved, next_action, new_key_allowed } = problem
  const said = { money_moved, next_action, new_key_allowed, problem }
  return { isError: true, answer: { ...nothing, ...said, advice: refusalAdvice(problem) } }
}

function adviceFor({ id, state, state_reason: why, hold, ...payment }: Payment): string {
  const { money_moved: moved, next_action: next, new_key_allowed: mayRetry } = payment
  if (next.type === 'wait') {
    return `Not finished. Call wait_for_payment with ${id}; do not pay this bill in another way.`
  }
  if (next.type === 'ask_human') {
    const held = hold === null ? '' : ` (${hold.reason})`
    return `A person must decide${held}. Tell your user about ${id}, and do not pay this bill again.`
  }
  if (moved === 'yes') return `The money has moved. This bill is paid by ${id}: never pay it again.`
  if (state === 'authorised') {
    return `Authorised, not taken. capture_payment takes the money, void_payment gives it up.`
  }
  const ended = `Ended without money: ${state}${why === null ? '' : ` (${why})`}.`
  if (!mayRetry) return `${ended} Do not ask again; a person must decide.`
  return `${ended} If this bill is still to be paid, call pay with the same payee and reference and retry_of ${id}, after what stood in the way has changed.`
}

function refusalAdvice({ code, next_action: next, existing_payment: existing }: Problem): string {
  const other = existing === undefined ? '' : ` Its payment is ${existing.id}, ${existing.state}.`
  switch (next.type) {
    case 'retry_same_key':
      return 'It is not known whether this was done. Call the same tool again with exactly the same payee, reference or payment id; never with others.'
    case 'fix_request':
      return `Nothing was stored. Correct what is wrong and ask again; keep the bill’s own reference.`
    case 'use_existing':
      return `This looks like a bill that has a payment already.${other} If it is the same bill, use that payment and do not ask again. Only if you have two different bills in front of you, ask with distinct_from and a reason.`
    case 'ask_human':
      return `A person must decide.${other} Tell your user; do not split the bill, change it or ask again.`
    case 'wait':
      return `This bill has a payment that is not finished.${other} Call wait_for_payment with it.`
    case 'none':
      return `${code}.${other} Look at it with get_payment; do not pay this bill in another way.`
  }
}

function foundAdvice(payments: readonly Payment[]): Pick<ToolAnswer, 'advice' | 'money_moved'> {
  if (payments.length > 0) {
    return {
      advice: 'Each payment says its own money_moved and next_action.',
      money_moved: 'unknown',
    }
  }
  const advice =
    'Nothing found, which does not mean not paid: the list may lag. Calling pay with the same payee and reference is safe.'
  return { advice, money_moved: 'unknown' }
}
