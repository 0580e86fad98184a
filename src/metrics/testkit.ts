// The text exposition format of Prometheus, version 0.0.4, read as strictly as it is written down:
// whatever a scraper might trip over throws.
import assert from 'node:assert/strict'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly Sample[]
}

const nameRule = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const labelRule = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"'
/** Values are what Go's ParseFloat takes: it does not mind how `NaN` is written. */
const sampleLine = new RegExp(
  `^(${nameRule})(?:\\{(${labelRule}(?:,${labelRule})*)\\})? ([Nn]a[Nn]|[+-]Inf|[-+0-9.e]+)$`,
)
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/** Every family with its help, its type and its samples, by name. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line has no end')
  const blocks = text.split(/^(?=# HELP )/m).filter((block) => block.trim() !== '')
  const families = new Map<string, Family>()
  for (const block of blocks) {
    const family = parseFamily(block.split('\n').filter((line) => line !== ''))
    assert.ok(!families.has(family.name), `${family.name} is there twice`)
    families.set(family.name, family)
  }
  return families
}

function parseFamily([helpLine = '', typeLine = '', ...lines]: readonly string[]): Family {
  const [, name = '', help = ''] = new RegExp(`^# HELP (${nameRule}) (.+)$`).exec(helpLine) ?? []
  assert.notEqual(help, '', `no help: ${helpLine}`)
  const [, type = ''] = new RegExp(`^# TYPE ${name} (\\w+)$`).exec(typeLine) ?? []
  const endings = suffixes[type]
  assert.ok(endings !== undefined, `no type: ${typeLine}`)
  const samples = lines.map((line) => parseSample(line))
  for (const sample of samples) {
    const own = endings.some((ending) => sample.name === name + ending)
    assert.ok(own, `${sample.name} stands under ${name}`)
  }
  const series = samples.map((each) => JSON.stringify([each.name, each.labels]))
  assert.equal(new Set(series).size, series.length, `${name} has one series twice`)
  if (type === 'counter' && name.startsWith('quittance_')) assert.match(name, /_total$/)
  return { name, help, type, samples }
}

function parseSample(line: string): Sample {
  const [, name = '', labelled = '', value = ''] = sampleLine.exec(line) ?? []
  assert.notEqual(name, '', `no sample: ${line}`)
  const pairs = [...labelled.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, text])),
    value: value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value),
  }
}

/** The value of the one sample with this name and just these labels; `null`: there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const wanted = textOf(labels)
  const found = [...families.values()]
    .flatMap(({ samples }) => samples)
    .find((each) => each.name === name && textOf(each.labels) === wanted)
  return found?.value ?? null
}

function textOf(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map((pair) => JSON.stringify(pair))
  return pairs.toSorted((a, b) => a.localeCompare(b)).join()
}
