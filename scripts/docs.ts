// Writes the reference pages that the code's own tables say. `--check` compares instead and fails
// where a page is stale.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { advise, adviseRejection } from '../src/core/advice.ts'
import type { Advice } from '../src/core/advice.ts'
import { longestWaitSeconds, stateMachine } from '../src/aws/state-machine.ts'
import { alertTable } from '../src/core/alerts.ts'
import { defaultBreakerPolicy, verdictOf } from '../src/core/breaker.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import { maxRuleRedrives, ruleReasons } from '../src/core/dead-letter.ts'
import { outcomeByObject, outcomeTable } from '../src/core/outcome.ts'
import type { ObjectView, Outcome, Signal } from '../src/core/outcome.ts'
import type { Attempt } from '../src/core/payment.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import { adviceWords, rejectionTable } from '../src/core/rejections.ts'
import type { RejectionCode } from '../src/core/rejections.ts'
import { states, transitions } from '../src/core/transitions.ts'
import { object, t0 } from '../test/build.ts'
import { columns, lines } from '../test/matrix.ts'
import { situations } from '../test/situations.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'reference')
const notice = '<!-- Written by `npm run docs` from the code; changes here are lost. -->\n\n'

/** Every generated page, by file name. */
export function pages(): Readonly<Record<string, string>> {
  return {
    'transitions.md': notice + transitionsPage(),
    'matrix.md': notice + matrixPage(),
    'outcomes.md': notice + outcomesPage(),
    'advice.md': notice + advicePage(),
    'rejections.md': notice + rejectionsPage(),
    'policy.md': notice + policyPage(),
    'alerts.md': notice + alertsPage(),
    'state-machine.md': notice + stateMachinePage(),
  }
}

/** The pages whose file is missing or says something else. */
export function stalePages(): readonly string[] {
  return Object.entries(pages())
    .filter(([name, text]) => readPage(name) !== text)
    .map(([name]) => name)
}

function readPage(name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'utf8')
  } catch {
    return null
  }
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  row(...head) + row(...head.map(() => '---')) + body.map((cells) => row(...cells)).join('')
const code = (text: string): string => `\`${text}\``

// ── Transitions ──────────────────────────────────────────────────────────────────────────────────

function transitionsPage(): string {
  const forward = transitions.filter(({ on }) => on !== 'corrected')
  const diagram = forward.map(({ from, on, to }) => `  ${from ?? '[*]'} --> ${to}: ${on}`)
  const ends = states.filter((state) => !forward.some(({ from }) => from === state))
  return (
    '# Transitions\n\n' +
    'A payment changes its state by these events and no others: whatever is not in the table is\n' +
    'refused when the event is applied.\n\n' +
    '```mermaid\nstateDiagram-v2\n' +
    diagram.join('\n') +
    '\n' +
    ends.map((state) => `  ${state} --> [*]`).join('\n') +
    '\n```\n\n' +
    'Evidence that contradicts an end is an event `corrected`. It moves the payment to what the\n' +
    'processor shows and raises an alarm; it is left out of the diagram.\n\n' +
    table(
      ['from', 'event', 'to'],
      transitions.map(({ from, on, to }) => [from ?? '–', code(on), to]),
    )
  )
}

// ── Matrix ───────────────────────────────────────────────────────────────────────────────────────

function matrixPage(): string {
  const sections = Object.entries(columns).map(([title, commands]) => {
    const names = Object.keys(commands)
    const all = lines(commands)
    const perState = states.map((state) => {
      const own = all.filter((line) => line.state === state)
      const body = own.map((line) => [
        anyOf(
          line.operations,
          own.flatMap(({ operations }) => operations),
        ),
        anyOf(
          line.voidings,
          own.flatMap(({ voidings }) => voidings),
        ),
        anyOf(
          line.holds,
          own.flatMap(({ holds }) => holds),
        ),
        ...line.cells,
      ])
      return `### ${title}: ${state}\n\n${table(['operation', 'void', 'hold', ...names], body)}`
    })
    return `## ${title}\n\n${perState.join('\n')}`
  })
  return (
    '# Matrix\n\n' +
    'Every shape of a payment (state, operation towards money and its status, void, hold) against\n' +
    'every command. A cell holds the events that follow; *italics* are a refusal by its\n' +
    '[code](rejections.md), which changes nothing; – is no event: it is no news. Shapes that\n' +
    'answer alike share a line, and *any* is every one that this state can have.\n\n' +
    'The command was given a minute after the claim, inside every deadline. Sends are not listed:\n' +
    'only `next` asks for them. Evidence that ends an operation also lifts the holds `dead_letter`\n' +
    'and `action_required`, and an object that waits for a person sets the latter; neither is\n' +
    'repeated in the last section.\n\n' +
    sections.join('\n')
  )
}

function anyOf(some: readonly string[], all: readonly string[]): string {
  const distinct = [...new Set(all)]
  if (distinct.length > 1 && distinct.every((each) => some.includes(each))) return '*any*'
  return some.join('; ')
}

// ── Outcomes ─────────────────────────────────────────────────────────────────────────────────────

const shownStatuses: readonly ObjectView['status'][] = [
  'created',
  'pending',
  'action_required',
  'authorised',
  'captured',
  'declined',
  'voided',
  'expired',
]

function outcomesPage(): string {
  const attempt = (oneStep: boolean): Attempt => ({
    id: 'att_1',
    number: 1,
    request: { amount: 1000, objectId: 'obj_1', oneStep, apiVersion: '1' },
    sends: [],
  })
  const byObject = shownStatuses.map((status) => [
    code(status),
    outcomeByObject('authorise', attempt(false), object(status)),
    outcomeByObject('authorise', attempt(true), object(status)),
    outcomeByObject('capture', attempt(false), object(status)),
    outcomeByObject('void', attempt(false), object(status)),
  ])
  return (
    '# Outcomes\n\n' +
    'What an answer of a processor means. Each line speaks for its own send: while one send of an\n' +
    'operation has no answer, or an unknown one, the operation is unknown, whatever later sends said.\n\n' +
    table(
      ['signal', 'outcome', 'when'],
      (Object.keys(outcomeTable) as Signal[]).map((signal) => {
        const { outcome, why } = outcomeTable[signal]
        return [code(signal), outcome === 'by_object' ? 'by the object' : code(outcome), why]
      }),
    ) +
    '\n## By the object\n\n' +
    'Where the object that came along decides. Making an object (`create`) has succeeded with any;\n' +
    'a refund is what its own entry on the object says, and unknown where there is none.\n\n' +
    table(['object', 'authorise', 'in one step', 'capture', 'void'], byObject)
  )
}

// ── Advice ───────────────────────────────────────────────────────────────────────────────────────

const adviceCells = ({ moneyMoved, nextAction, newKeyAllowed }: Advice): readonly string[] => [
  code(moneyMoved),
  code(nextAction.type),
  newKeyAllowed ? 'yes, with `retry_of`' : 'no',
]

/** As asked for each code: two with the same name of advice may be told differently. */
function refusalCells(name: RejectionCode): readonly string[] {
  const { advice } = rejectionTable[name]
  const whose = 'of the existing payment'
  if (advice === 'existing') return [whose, whose, 'as it says']
  if (advice === 'use_existing') return [whose, code(advice), 'no']
  return adviceCells(adviseRejection({ code: name, detail: '' }, null, t0))
}

function advicePage(): string {
  const body = situations.map(({ name, payment, afterMs }) => [
    name,
    payment.state,
    ...adviceCells(advise(payment, t0 + afterMs)),
  ])
  const groups = Map.groupBy(Object.keys(rejectionTable) as RejectionCode[], (name) =>
    refusalCells(name).join(),
  )
  const refusals = [...groups.values()].map((codes) => [
    codes.map((each) => `[${each}](rejections.md#${each})`).join(', '),
    ...refusalCells(codes[0] ?? 'internal'),
  ])
  return (
    '# Advice\n\n' +
    'What every answer tells an agent: whether money moved, what to do next, and whether a new\n' +
    '`Idempotency-Key` may be used for this bill. Whoever follows it never pays twice.\n\n' +
    '## A payment\n\n' +
    table(
      ['situation', 'state', '`money_moved`', '`next_action.type`', '`new_key_allowed`'],
      body,
    ) +
    '\n## A refusal\n\n' +
    'Where an existing payment stands in the way, its own situation counts, and changing the\n' +
    'request is never advised. A refusal with `ask_human` that names an `existing_payment` tells the\n' +
    '`money_moved` of that payment.\n\n' +
    table(['code', '`money_moved`', '`next_action.type`', '`new_key_allowed`'], refusals)
  )
}

// ── Rejections ───────────────────────────────────────────────────────────────────────────────────

function rejectionsPage(): string {
  const entries = (Object.keys(rejectionTable) as RejectionCode[]).map((name) => {
    const { status, title, advice } = rejectionTable[name]
    return `### ${name}\n\n${title}.\n\nHTTP ${status}. ${code(advice)}: ${adviceWords[advice]}\n`
  })
  return (
    '# Errors\n\n' +
    'Every way to say no, in order of precedence: of several reasons the first is told. A refusal\n' +
    'has stored nothing and changed nothing. Each is `application/problem+json` with this `code`.\n\n' +
    entries.join('\n')
  )
}

// ── Policy ───────────────────────────────────────────────────────────────────────────────────────

function policyPage(): string {
  const { retry, inquiry, pending, blockedCheck, settlement, ...bounds } = defaultPolicy
  const retries = Object.entries(retry).map(([kind, each]) => [
    code(kind),
    String(each.maxSends),
    String(each.maxSendsPerAttempt),
    time(each.baseMs),
    time(each.capMs),
  ])
  const groups = { inquiry, pending, blockedCheck, settlement, claim: defaultClaimPolicy }
  const rest = flat({ ...groups, ...bounds })
  return (
    '# Policy\n\n' +
    'How often, how fast and how long, unless configured otherwise. Waits grow exponentially from\n' +
    'the base to the cap, with full jitter.\n\n' +
    '## Sends\n\n' +
    table(['operation', 'sends in all', 'sends under one key', 'base', 'cap'], retries) +
    '\nEach processor may have a policy of its own. What becomes of a send, by its outcome:\n\n' +
    table(
      ['outcome', 'then'],
      Object.entries(followUps).map(([name, then]) => [code(name), then]),
    ) +
    '\nA `Retry-After` of the processor is honoured, up to the deadline of the payment (`not_after`) and an\n' +
    'hour at most. Time behind an open breaker counts towards the deadline and not towards the sends.\n' +
    '\n## Circuit breaker\n\n' +
    values(flat(defaultBreakerPolicy)) +
    '\nWhat a call says about its processor:\n\n' +
    table(
      ['signal', 'verdict'],
      signals.map((signal) => [code(signal), verdictWord(signal)]),
    ) +
    `\nOnce it has closed, the rule redrives what was parked for ${listed(ruleReasons)}, each payment at most ` +
    `${maxRuleRedrives} times; then it is a person's.\n` +
    '\n## Everything else\n\n' +
    values(rest)
  )
}

const followUps: Readonly<Record<Outcome, string>> = {
  succeeded: 'the payment moves on',
  declined: 'the payment ends; `retry_of` may ask again',
  not_executed: 'the next send after a wait, within the bounds above; then a dead letter',
  pending: 'looked up on a schedule, never sent again',
  unknown: 'the ladder: look-ups and the same bytes under the same key; then a dead letter',
}

// A new signal is missing here until it is placed; `outcomeTable` names them all.
const signals = Object.keys(outcomeTable) as readonly Signal[]

function verdictWord(signal: Signal): string {
  if (signal === 'not_sent') return 'bad where no connection could be made, else nothing'
  return verdictOf({ signal, cause: '' }) ?? 'nothing'
}

type Value = readonly [name: string, value: number]

const values = (list: readonly Value[]): string =>
  table(
    ['value', 'default'],
    list.map(([name, value]) => [code(name), name.endsWith('Ms') ? time(value) : String(value)]),
  )

/** Nested numbers by their path. */
function flat(given: object, path = ''): readonly Value[] {
  return Object.entries(given).flatMap(([name, value]): readonly Value[] =>
    typeof value === 'number' ? [[path + name, value]] : flat(value as object, `${path}${name}.`),
  )
}

const listed = (names: readonly string[]): string => names.map(code).join(', ')

// ── Alerts ───────────────────────────────────────────────────────────────────────────────────────

const natures = {
  condition: 'when it is no longer so',
  queue: 'when none is left',
  event: 'never: it has happened',
} as const

function alertsPage(): string {
  const body = Object.entries(alertTable).map(([kind, { severity, nature, title, did, todo }]) => [
    `[${kind}](../guides/alerts.md#${kind})`,
    severity,
    `${title}.`,
    did,
    todo,
    natures[nature],
  ])
  return (
    '# Alerts\n\n' +
    'Every kind of alert, with its [runbook](../guides/alerts.md).\n\n' +
    table(['kind', 'severity', 'what happened', 'what was done', 'what to do', '`resolved`'], body)
  )
}

// ── State machine on AWS ─────────────────────────────────────────────────────────────────────────

interface MachineState {
  readonly Type: string
  readonly Next?: string
  readonly End?: boolean
  readonly TimeoutSeconds?: number
  readonly Retry?: readonly {
    readonly ErrorEquals: readonly string[]
    readonly MaxAttempts: number
  }[]
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[]
}

interface Machine {
  readonly StartAt: string
  readonly TimeoutSeconds: number
  readonly States: Readonly<Record<string, MachineState>>
}

// What it makes is the states language, which has no types of its own.
const machineOf = (workflow: 'standard' | 'express'): Machine =>
  stateMachine({ workflow, stepFunctionArn: 'step' }) as unknown as Machine

function stateMachinePage(): string {
  const { StartAt, States } = machineOf('standard')
  const named = Object.entries(States)
  const tasks = named.filter(([, { Type }]) => Type === 'Task')
  const isWait = (name: string): boolean => name.includes(': ')
  const arrows = named.flatMap(([name, { Type, Next, End, Catch = [] }]) => {
    if (isWait(name)) return []
    const caught = Map.groupBy(Catch, (each) => each.Next)
    const away = [...caught].map(([to, list]) => {
      const errors = list.flatMap(({ ErrorEquals }) => ErrorEquals).join(', ')
      return `  ${name} --> ${isWait(to) ? name : to}: ${errors}`
    })
    const isLast = End === true || Type === 'Succeed' || Type === 'Fail'
    return [
      ...(Next === undefined ? [] : [`  ${name} --> ${Next}`]),
      ...away,
      ...(isLast ? [`  ${name} --> [*]`] : []),
    ]
  })
  const repeated = tasks[0]?.[1].Retry ?? []
  return (
    '# State machine on AWS\n\n' +
    'One execution is one run of one payment, as it is generated from the table of\n' +
    '[transitions](transitions.md). The store is the guard: an execution may be lost, late or doubled.\n\n' +
    '```mermaid\nstateDiagram-v2\n' +
    `  [*] --> ${StartAt}\n${arrows.join('\n')}\n` +
    '```\n\n' +
    '`NotYet` passes through two states that are left out: one reads the time from the cause, one waits\n' +
    'for it. Whatever is none of our words ends the execution as `Failed`; the sweep starts the next run.\n\n' +
    table(
      ['machine', 'an execution ends after', 'one wait takes at most'],
      (['standard', 'express'] as const).map((workflow) => [
        workflow,
        time(machineOf(workflow).TimeoutSeconds * 1000),
        time(longestWaitSeconds[workflow] * 1000),
      ]),
    ) +
    `\nEach Task ends after ${tasks[0]?.[1].TimeoutSeconds ?? 0} s, and is repeated where its function was not\n` +
    'invoked or did not end: whatever it had sent is in the store, and is waited for.\n\n' +
    table(
      ['error', 'times'],
      repeated.flatMap(({ ErrorEquals, MaxAttempts }) =>
        ErrorEquals.map((error) => [code(error), String(MaxAttempts)]),
      ),
    )
  )
}

function time(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}

if (import.meta.main) {
  const stale = stalePages()
  if (process.argv.includes('--check')) {
    if (stale.length > 0) console.error(`stale: ${stale.join(', ')}; run npm run docs`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else {
    for (const [name, text] of Object.entries(pages())) writeFileSync(join(folder, name), text)
    console.log(stale.length === 0 ? 'all pages were fresh' : `written: ${stale.join(', ')}`)
  }
}
