// When a long-running command ends: a signal, or, for a child of ours, the end of its input, which
// comes when the parent dies by whatever cause.

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilAsked(endsWithInput: boolean): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const end = (): void => {
      // 130 is what shells expect of a process that Ctrl-C ended.
      if (asked) process.exit(130)
      asked = true
      // An open input would keep the process alive.
      if (endsWithInput) process.stdin.destroy()
      resolve()
    }
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
    if (endsWithInput) {
      process.stdin.once('end', end).once('error', end).resume()
    }
  })
}

/** What a stop waits for; no call to the processor may take longer. */
export const stopping = ({ callTimeoutMs }: { readonly callTimeoutMs: number }): string =>
  `waiting for the calls that are out, at most ${Math.ceil(callTimeoutMs / 1000)} s`

export const endsWithInputOption = {
  'end-with-input': { what: 'end when standard input does (used by a parent process)' },
} as const
