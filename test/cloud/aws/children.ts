// Processes that must not outlive the run, whatever ends it.
import type { ChildProcess } from 'node:child_process'

const alive = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

export function keepUntilExit(child: ChildProcess): void {
  alive.add(child)
  child.once('exit', () => alive.delete(child))
}
