// The page of one reconciliation for whoever keeps the accounts: self-contained, without scripts, to be
// kept, printed or sent. It says what the run found, which never changes, and how the breaks stand now.
import { createHash } from 'node:crypto'

import type { Break } from '../../client/index.ts'
import { agesChart, grouped, percent, totalsChart, typesChart, words } from './charts.ts'
import { ageOf, ages, atRisk, byType, severities, totalsOf, worstFirst } from './figures.ts'
import type { Age, Reported, Severity, TotalsLine, TypeLine } from './figures.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { style } from './style.ts'

/** More rows are no evidence that anybody reads; the command line has all of them. */
const maxRows = 500

export function reportPage(reported: Reported): string {
  const { run } = reported
  const hash = createHash('sha256').update(style).digest('base64')
  // The style as it is: its hash stands in the policy.
  const block = { html: `<style>${style}</style>` }
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>Reconciliation of ${run.processor}, ${run.started_at.slice(0, 10)}</title>
        ${block}
      </head>
      <body>
        <main>
          ${[header(reported), verdict(reported), tiles(reported), controlTotals(reported)]}
          ${[breakCharts(reported), breakTable(reported), footer(reported)]}
        </main>
      </body>
    </html> `.html
}

// ── Head ─────────────────────────────────────────────────────────────────────────────────────────

function header({ run }: Reported): Html {
  const file = run.file ?? null
  const compared =
    file === null
      ? html`<dt>Compared</dt>
          <dd>payments and the processor’s records, ${time(run.from)} to ${time(run.to)}</dd>`
      : html`<dt>Compared</dt>
          <dd>payments and the settlement file <b>${file.name}</b></dd>
          <dt>Batches</dt>
          <dd>${file.batches.length === 0 ? 'none named' : file.batches.join(', ')}</dd>`
  return html`<h1>Reconciliation of ${run.processor}</h1>
    <dl class="about">
      <dt>Run</dt>
      <dd><span class="id">${run.id}</span>, asked for by ${run.requested_by}</dd>
      ${compared}
      <dt>Ran</dt>
      <dd>${time(run.started_at)} to ${run.ended_at === null ? 'now' : time(run.ended_at)}</dd>
    </dl>`
}

function verdict({ run, breaks }: Reported): Html {
  if (run.status !== 'finished') {
    const told =
      run.status === 'failed'
        ? `It could not be finished: ${run.cause ?? ''}`
        : 'It is still running.'
    return html`<p class="verdict bad">${told} Its figures are not complete.</p>`
  }
  const found = Object.values(run.breaks).reduce((sum, count) => sum + count, 0)
  if (found === 0 && breaks.length === 0) {
    return html`<p class="verdict">
      Both sides agree. No differences were found, and none is open.
    </p>`
  }
  const serious = breaks.filter(({ severity }) => severity === 'critical' || severity === 'high')
  const sums = money(atRisk(breaks)).join(' and ')
  const tone = serious.length > 0 ? 'bad' : 'wait'
  return html`<p class="verdict ${tone}">
    This run found <b>${found}</b> differences. <b>${breaks.length}</b> breaks are open now,
    <b>${serious.length}</b> of them critical or high${sums === '' ? '' : `, with ${sums} at risk`}.
  </p>`
}

function tiles({ run, breaks, oldestUnknown, madeAt }: Reported): Html {
  const lines = totalsOf(run)
  const byValue = lines.flatMap(({ currency, rate }) =>
    rate === null ? [] : [`${percent(rate)} ${currency}`],
  )
  const oldest = breaks.toSorted((a, b) => b.age_seconds - a.age_seconds)[0]
  const since = oldestUnknown === null ? 'none' : ago(oldestUnknown.since, madeAt)
  const risk = money(atRisk(breaks))
  return html`<div class="tiles">
    ${[
      tile(
        'Matched, by count',
        [run.match_rate === null ? 'nothing to match' : percent(run.match_rate)],
        `${count(run.matched)} of ${count(run.matchable)} payments`,
      ),
      tile('Matched, by value', byValue.length === 0 ? ['nothing to match'] : byValue),
      tile('Value at risk, open breaks', risk.length === 0 ? ['none'] : risk),
      tile(
        'Oldest open break',
        [oldest === undefined ? 'none' : daysOf(oldest)],
        oldest === undefined ? '' : words(oldest.type),
      ),
      tile('Oldest unknown outcome', [since], oldestUnknown?.id ?? ''),
    ]}
  </div>`
}

const tile = (name: string, figures: readonly string[], under = ''): Html =>
  html`<div class="tile">
    <div class="name">${name}</div>
    ${figures.map((each) => html`<div class="figure">${each}</div>`)}
    <div class="under">${under}</div>
  </div>`

/** `1234567` → `1,234,567`. */
const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

// ── Totals ───────────────────────────────────────────────────────────────────────────────────────

function controlTotals({ run }: Reported): Html {
  const lines = totalsOf(run)
  const row = (line: TotalsLine): Html => {
    const cell = (value: number, mayBeOff: boolean): Html =>
      html`<td class="number ${mayBeOff && value !== 0 ? 'off' : ''}">
        ${grouped(value, line.currency)}
      </td>`
    return html`<tr>
      <th scope="row">${line.currency}</th>
      ${cell(line.ours, false)}${cell(line.theirs, false)}${cell(line.matched, false)}
      ${cell(line.onlyOurs, true)}${cell(line.onlyTheirs, true)}${cell(line.ours - line.theirs, true)}
      <td class="number">${line.rate === null ? '–' : percent(line.rate)}</td>
    </tr>`
  }
  const none = html`<tr>
    <td colspan="8">No captured money on either side.</td>
  </tr>`
  return html`<section>
    <h2>Control totals, both directions</h2>
    <div class="wide">
      <table>
        <caption>
          Captured money. ${count(run.payments)} payments of ours, ${count(run.records)} records of
          the processor, ${count(run.foreign)} of them of others and not compared.
        </caption>
        <thead>
          <tr>
            <th>Currency</th>
            <th class="number">Ours</th>
            <th class="number">Processor’s</th>
            <th class="number">Agrees</th>
            <th class="number">Only ours</th>
            <th class="number">Only theirs</th>
            <th class="number">Ours less theirs</th>
            <th class="number">Matched</th>
          </tr>
        </thead>
        <tbody>
          ${lines.length === 0 ? none : lines.map(row)}
        </tbody>
      </table>
    </div>
    ${lines.length === 0 ? html`` : totalsFigure(lines)}
  </section>`
}

const totalsFigure = (lines: readonly TotalsLine[]): Html =>
  html`<div class="short">
    ${totalsChart(lines)}
    <ul class="legend">
      <li><i class="agrees"></i>agrees</li>
      <li><i class="ours"></i>only ours</li>
      <li><i class="theirs"></i>only the processor’s</li>
    </ul>
  </div>`

// ── Breaks ───────────────────────────────────────────────────────────────────────────────────────

function breakCharts({ breaks }: Reported): Html {
  if (breaks.length === 0) return html``
  const types = byType(worstFirst(breaks), (own) => money(atRisk(own)))
  const present = severities.filter((each) => breaks.some(({ severity }) => severity === each))
  const legend = html`<ul class="legend">
    ${present.map((each) => html`<li><i class="${each}"></i>${each}</li>`)}
  </ul>`
  return html`<div class="two">
      <section>
        <h2>Open breaks by type</h2>
        ${typesChart(types)}${legend}
      </section>
      <section>
        <h2>Open breaks by age</h2>
        ${agesChart(countsOf(breaks))}${legend}
      </section>
    </div>
    <section>
      <h2>Open breaks by type and age</h2>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>Type</th>
              <th>Severity</th>
              ${ages.map((age) => html`<th class="number">${age}</th>`)}
              <th class="number">Together</th>
              <th class="number">Value at risk</th>
            </tr>
          </thead>
          <tbody>
            ${types.map(typeRow)}
          </tbody>
        </table>
      </div>
    </section>`
}

function countsOf(breaks: readonly Break[]): Record<Age, Record<Severity, number>> {
  const none = (): Record<Severity, number> => ({
    critical: 0,
    high: 0,
    medium: 0,
    low: 0,
    info: 0,
  })
  const counts = { [ages[0]]: none(), [ages[1]]: none(), [ages[2]]: none(), [ages[3]]: none() }
  for (const each of breaks) counts[ageOf(each)][each.severity] += 1
  return counts
}

function typeRow({ type, severity, count, byAge, atRisk: sums }: TypeLine): Html {
  return html`<tr>
    <td>${words(type)}</td>
    <td>${badge(severity)}</td>
    ${ages.map((age) => html`<td class="number">${byAge[age] === 0 ? '' : byAge[age]}</td>`)}
    <td class="number"><b>${count}</b></td>
    <td class="number">${sums.length === 0 ? '–' : sums.join(', ')}</td>
  </tr>`
}

function breakTable({ breaks, isCut }: Reported): Html {
  if (breaks.length === 0) return html``
  const shown = worstFirst(breaks).slice(0, maxRows)
  const left = breaks.length - shown.length
  const more =
    left > 0 || isCut
      ? html`<p class="soft">
          The ${shown.length} worst are shown${isCut ? '' : `; ${left} are not`}. All of them:
          <span class="id">quittance breaks list</span>
        </p>`
      : html``
  return html`<section>
    <h2>Evidence, side by side</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Break</th>
            <th class="number">At risk</th>
            <th>We say</th>
            <th>The processor says</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(evidenceRow)}
        </tbody>
      </table>
    </div>
    ${more}
  </section>`
}

function evidenceRow(each: Break): Html {
  const value = each.currency === '' ? '–' : grouped(each.value_at_risk, each.currency)
  const word =
    each.by === null
      ? html``
      : html`<br /><span class="soft">${each.by}: ${each.reason ?? ''}</span>`
  return html`<tr>
    <td>
      ${badge(each.severity)} <b>${words(each.type)}</b><br /><span class="id">${each.id}</span>
    </td>
    <td class="number">${value}</td>
    <td class="evidence">
      <span class="id">${each.payment_id ?? 'no payment'}</span><br />${each.ours}
    </td>
    <td class="evidence">
      <span class="id">${each.processor_reference ?? 'no record'}</span><br />${each.theirs}
    </td>
    <td>
      ${words(each.status)}<br /><span class="soft"
        >${daysOf(each)}, since ${each.first_seen_at.slice(0, 10)}</span
      >${word}
    </td>
  </tr>`
}

const badge = (severity: Severity): Html => html`<span class="badge ${severity}">${severity}</span>`

function footer({ madeAt }: Reported): Html {
  return html`<footer>
    <p>
      A reconciliation moves no money. What a record proves of a payment (its settlement, an unknown
      outcome) is learnt; nothing else is changed. The figures of the run never change; breaks are
      shown as they stood at ${time(madeAt)}. Amounts of two currencies are never added. Shares are
      rounded down.
    </p>
  </footer>`
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────

const money = (sums: readonly (readonly [string, number])[]): readonly string[] =>
  sums.map(([currency, value]) => grouped(value, currency))

const time = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`

const daysOf = ({ age_seconds: seconds }: Pick<Break, 'age_seconds'>): string => {
  const days = Math.floor(seconds / 86_400)
  return days === 0 ? 'today' : days === 1 ? '1 day' : `${days} days`
}

const ago = (since: string, now: string): string =>
  daysOf({ age_seconds: Math.max(0, (Date.parse(now) - Date.parse(since)) / 1000) })
