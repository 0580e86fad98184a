// Spans of time as people type and read them.

const seconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** `90`, `90s`, `30m`, `2h`, `1d` as seconds; `null`: it is none of these. */
export function readSeconds(text: string): number | null {
  const [, count = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  return count === '' ? null : Number(count) * seconds[unit as keyof typeof seconds] // by the pattern
}

/** The largest unit that fits, rounded down: `45 s`, `12 min`, `3 h`, `2 d`. */
export function showSeconds(span: number): string {
  if (span < seconds.m) return `${span} s`
  if (span < seconds.h) return `${Math.floor(span / seconds.m)} min`
  return span < 2 * seconds.d
    ? `${Math.floor(span / seconds.h)} h`
    : `${Math.floor(span / seconds.d)} d`
}
