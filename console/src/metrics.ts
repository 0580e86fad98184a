// The text of GET /metrics as numbers. Only what the console shows is looked at.
import { useQuery } from '@tanstack/react-query'

import { getText } from './api.ts'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

function parseMetrics(text: string): readonly Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith('quittance_')) continue
    const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    samples.push({
      name,
      labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, text])),
      value: Number(value),
    })
  }
  return samples
}

type Labels = Readonly<Record<string, string>>

export function find(samples: readonly Sample[], name: string, labels: Labels = {}) {
  const all = Object.entries(labels)
  return samples.filter(
    (sample) => sample.name === name && all.every(([key, value]) => sample.labels[key] === value),
  )
}

export const total = (samples: readonly Sample[], name: string, labels: Labels = {}): number =>
  find(samples, name, labels).reduce((sum, { value }) => sum + value, 0)

/** `null`: the metric is not there. */
export const gauge = (samples: readonly Sample[], name: string, labels: Labels = {}) =>
  find(samples, name, labels)[0]?.value ?? null

/**
 * Calls of a histogram by the upper bound of their bucket, in seconds; less those that were there
 * before.
 */
export function buckets(
  samples: readonly Sample[],
  labels: Labels,
  before: readonly Sample[] = [],
): readonly (readonly [upTo: number, calls: number])[] {
  const name = 'quittance_processor_call_seconds_bucket'
  const bounds = new Map<number, number>()
  for (const [list, sign] of [
    [samples, 1],
    [before, -1],
  ] as const) {
    for (const { labels: own, value } of find(list, name, labels)) {
      const bound = own['le'] === '+Inf' ? Infinity : Number(own['le'])
      bounds.set(bound, (bounds.get(bound) ?? 0) + sign * value)
    }
  }
  return [...bounds].toSorted(([a], [b]) => a - b)
}

/** The bound below which this share of the calls ended; `null`: there were none. */
export function quantile(
  of: readonly (readonly [upTo: number, calls: number])[],
  share: number,
): number | null {
  const all = of.at(-1)?.[1] ?? 0
  if (all <= 0) return null
  const found = of.find(([, calls]) => calls >= all * share)?.[0] ?? Infinity
  return found
}

export const useMetrics = () =>
  useQuery({
    queryKey: ['metrics'],
    queryFn: async () => parseMetrics(await getText('/metrics')),
  })
