// The contract, over real sockets against the real service.
import { processorContract } from '../contract/processor-contract.ts'
import { startSimulatedWorld } from '../contract/simulated-world.ts'

processorContract('simulated', startSimulatedWorld)
