// All schedules of up to N faults for one payment, for each workload: `npm run small-scope -- 3`.
import { openMemoryStore } from '../src/stores/memory.ts'
import { explore } from '../test/small-scope.ts'
import { workloads } from '../test/workloads.ts'

const depth = Number(process.argv[2] ?? 3)
if (!Number.isInteger(depth) || depth < 0 || depth > 4) {
  process.stderr.write('small-scope: the number of faults is 0 to 4\n')
  process.exit(2)
}

let schedules = 0
let violations = 0
for (const workload of workloads) {
  const explored = await explore(() => openMemoryStore(), workload, depth)
  schedules += explored.schedules
  violations += explored.violations.length
  const { parked } = explored
  process.stdout.write(
    `${workload.name}: ${explored.schedules} schedules, ${parked} in front of a person, ` +
      `${explored.violations.length} violations\n`,
  )
  for (const { faults, wrong } of explored.violations.slice(0, 5)) {
    process.stdout.write(`  ${faults.join(', ')}: ${wrong.join('; ')}\n`)
  }
}
process.stdout.write(`${JSON.stringify({ depth, schedules, violations })}\n`)
process.exitCode = violations === 0 ? 0 : 1
