// Why the service did not start, in a sentence that says what to do.
import type { Config } from '../config.ts'
import { ConfigError } from '../config.ts'
import { usageError } from './exit.ts'

/** The opened service, or the end of the command. */
export async function explained<T>(
  config: Pick<Config, 'port' | 'dataFolder'>,
  opening: Promise<T>,
): Promise<T> {
  try {
    return await opening
  } catch (error) {
    throw usageError(sentence(error, config))
  }
}

function sentence(
  error: unknown,
  { port, dataFolder }: Pick<Config, 'port' | 'dataFolder'>,
): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ConfigError) return error.message
  const code = 'code' in error ? error.code : null
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use: another program listens there. Stop it, or set QUITTANCE_PORT (0 picks a free one).`
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return `The data folder ${dataFolder} cannot be written (${error.message}). Set QUITTANCE_DATA to one that can.`
  }
  return `The service did not start: ${error.message}`
}
