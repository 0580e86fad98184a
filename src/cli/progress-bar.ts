// `[████░░░░] 12/40  paid 9 …` for the live line of a terminal.

const cells = 24

export function progressBar(done: number, all: number, words: string): string {
  const full = all === 0 ? cells : Math.floor((done / all) * cells)
  return `[${'█'.repeat(full)}${'░'.repeat(cells - full)}] ${done}/${all}  ${words}`
}
