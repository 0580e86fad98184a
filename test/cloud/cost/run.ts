// Counts one scenario in a process of its own, on a clock of its own: `node run.ts happy standard`.
// Its last line is what was counted.
import { count, scenarios } from './scenarios.ts'

const [name, workflow] = process.argv.slice(2)
const scenario = scenarios.find((each) => each.name === name)
if (scenario === undefined || (workflow !== 'standard' && workflow !== 'express')) {
  throw new Error(`there is no scenario ${name} ${workflow}`)
}
console.log(JSON.stringify(await count(scenario, workflow)))
process.exit(0)
