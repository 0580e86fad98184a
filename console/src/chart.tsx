// uPlot in the colours of the page. What a chart shows stands below it as words or in a table as well.
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'

import { clock } from './format.ts'
import { useSettings } from './settings.tsx'

export interface Series {
  readonly label: string
  /** A custom property of the style sheet. */
  readonly colour: string
  readonly values: readonly (number | null)[]
}

export function Chart({
  times,
  series,
  kind,
  unit,
  label,
}: {
  /** Seconds. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly kind: 'bars' | 'lines'
  readonly unit: string
  readonly label: string
}) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const { scheme, zone } = useSettings()
  const shape = `${scheme} ${zone} ${kind} ${series.map((each) => each.label).join()}`
  const data = dataOf(times, series, kind)
  const latest = useRef(data)
  latest.current = data
  useEffect(() => {
    const element = box.current
    if (element === null) return
    chart.current = new uPlot(options(element, series, kind, unit, zone), latest.current, element)
    const size = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: heightPx }),
    )
    size.observe(element)
    return () => {
      size.disconnect()
      chart.current?.destroy()
      chart.current = null
    }
    // The shape stands for the series.
  }, [shape])
  useEffect(() => chart.current?.setData(data), [data])
  return (
    <figure className="chart">
      <div ref={box} role="img" aria-label={label} />
      <figcaption>
        {series.map((each) => (
          <span key={each.label}>
            <i className={`dot ${each.colour}`} aria-hidden="true" /> {each.label}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

const heightPx = 190

/** Bars are stacked: each is drawn as the sum of those below it, the tallest first. */
function dataOf(
  times: readonly number[],
  series: readonly Series[],
  kind: 'bars' | 'lines',
): uPlot.AlignedData {
  if (kind === 'lines') return [[...times], ...series.map(({ values }) => [...values])]
  const sums = series.map((_, index) =>
    times.map((_, at) =>
      series
        .slice(0, series.length - index)
        .reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
    ),
  )
  return [[...times], ...sums]
}

function options(
  element: HTMLElement,
  series: readonly Series[],
  kind: 'bars' | 'lines',
  unit: string,
  zone: 'local' | 'UTC',
): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const axis = { stroke: colour('muted'), font: '12px system-ui', ticks: { show: false } }
  const bars = uPlot.paths.bars?.({ size: [0.75, 40], align: 1, radius: 0.15 })
  const drawn = kind === 'bars' ? series.toReversed() : series
  return {
    width: element.clientWidth || 600,
    height: heightPx,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      // The bar of a minute stands to the right of its beginning.
      x: { time: true, range: (_, min, max) => [min, kind === 'bars' ? max + 60 : max] },
      y: { range: (_, __, max) => [0, Math.max(max * 1.1, kind === 'bars' ? 4 : 0.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        values: (_, splits) => splits.map((at) => timeOf(at, zone)),
      },
      {
        ...axis,
        grid: { stroke: colour('line'), width: 1 },
        size: 56,
        space: 36,
        values: (_, splits) => splits.map((value) => `${Number(value.toFixed(2))}${unit}`),
      },
    ],
    series: [
      {},
      ...drawn.map((each): uPlot.Series => {
        const stroke = colour(each.colour)
        const base = { label: each.label, points: { show: false } }
        if (kind === 'lines') return { ...base, stroke, width: 2, spanGaps: true }
        return { ...base, fill: stroke, width: 0, ...(bars === undefined ? {} : { paths: bars }) }
      }),
    ],
  }
}

function timeOf(seconds: number, zone: 'local' | 'UTC'): string {
  const date = new Date(seconds * 1_000)
  return zone === 'UTC' ? `${date.toISOString().slice(11, 16)}Z` : clock(date).slice(0, 5)
}
