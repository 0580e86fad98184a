// Waits for what another part of the run does.

/** On the run's clock: looking costs the machine that everything else runs on. */
const everyMs = 500

export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 60_000 }: { readonly withinMs?: number } = {},
): Promise<void> {
  const endsAtMs = Date.now() + withinMs
  while (!(await isSo())) {
    if (Date.now() > endsAtMs) throw new Error(`not so within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
