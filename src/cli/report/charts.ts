// Charts as inline SVG: no script, nothing from elsewhere. Each says in words what it shows, for those
// who cannot see it, and no colour alone carries a meaning.
import { formatAmount } from '../../core/money.ts'
import { ages, severities } from './figures.ts'
import type { Age, Severity, TotalsLine, TypeLine } from './figures.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

const width = 560

/** How much of each currency agrees, and which side has what is left. */
export function totalsChart(totals: readonly TotalsLine[]): Html {
  const [left, bar, row] = [56, width - 56 - 84, 40]
  const rows = totals.map(({ currency, matched, onlyOurs, onlyTheirs, rate }, place) => {
    const all = Math.max(1, matched + Math.max(0, onlyOurs) + Math.max(0, onlyTheirs))
    const y = place * row + 8
    let x = left
    const parts = (
      [
        ['agrees', matched],
        ['ours', onlyOurs],
        ['theirs', onlyTheirs],
      ] as const
    ).flatMap(([name, value]) => {
      if (value <= 0) return []
      // Small differences are what people look for: never thinner than can be seen.
      const wide = Math.max(4, (value / all) * (bar - 8))
      const part = html`<rect class="${name}" x="${x}" y="${y}" width="${wide}" height="22" />`
      x += wide
      return [part]
    })
    const told = rate === null ? '–' : percent(rate)
    return html`<text x="0" y="${y + 16}">${currency}</text>${parts}<text
        class="value"
        x="${x + 8}"
        y="${y + 16}"
        >${told}</text
      >`
  })
  const height = Math.max(1, totals.length) * row
  return figure('Captured money that agrees, by currency', height, rows)
}

/** Open breaks by type, longest bar first in the order of severity. */
export function typesChart(types: readonly TypeLine[]): Html {
  const [left, row] = [176, 30]
  const most = Math.max(1, ...types.map(({ count }) => count))
  const rows = types.map(({ type, severity, count }, place) => {
    const y = place * row + 4
    const wide = Math.max(4, (count / most) * (width - left - 56))
    return html`<text x="0" y="${y + 15}">${words(type)}</text>
      <rect class="${severity}" x="${left}" y="${y}" width="${wide}" height="20" />
      <text class="value" x="${left + wide + 8}" y="${y + 15}">${count}</text>`
  })
  return figure('Open breaks by type', Math.max(1, types.length) * row, rows)
}

/** Open breaks by age, each column stacked by severity. */
export function agesChart(counts: Readonly<Record<Age, Readonly<Record<Severity, number>>>>): Html {
  const [high, slot] = [150, width / ages.length]
  const sumOf = (age: Age): number =>
    severities.reduce((sum, severity) => sum + counts[age][severity], 0)
  const most = Math.max(1, ...ages.map(sumOf))
  const columns = ages.map((age, place) => {
    let y = high + 20
    const x = place * slot + slot / 4
    const parts = severities.flatMap((severity) => {
      const count = counts[age][severity]
      if (count === 0) return []
      const tall = Math.max(3, (count / most) * high)
      y -= tall
      return [
        html`<rect class="${severity}" x="${x}" y="${y}" width="${slot / 2}" height="${tall}" />`,
      ]
    })
    const middle = x + slot / 4
    return html`${parts}<text class="value middle" x="${middle}" y="${y - 6}">${sumOf(age)}</text
      ><text class="middle" x="${middle}" y="${high + 40}">${age}</text>`
  })
  const line = html`<line x1="0" y1="${high + 20}" x2="${width}" y2="${high + 20}" />`
  return figure('Open breaks by age', high + 48, [...columns, line])
}

function figure(title: string, height: number, parts: readonly Html[]): Html {
  return html`<svg
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${title}; the table beside it has the figures"
  >
    ${parts}
  </svg>`
}

/** `1234567, EUR` → `12,345.67 EUR`. */
export function grouped(amount: number, currency: string): string {
  const [whole = '', rest = ''] = formatAmount(amount, currency).split(/(?=[. ])(.*)/s)
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${rest}`
}

/** Rounded down: 100 % is all of it. */
export const percent = (rate: number): string => `${(Math.floor(rate * 10_000) / 100).toFixed(2)} %`

export const words = (name: string): string => name.replaceAll('_', ' ')
