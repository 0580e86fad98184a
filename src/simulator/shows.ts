// What a client gets to see of a call: the processor's own answer, something from a gateway that
// knows nothing of it, or a connection that is lost.
import { refuse } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Shape } from './faults.ts'

/** Shapes that end in bytes; silence and resets are in `holds.ts`. */
export type VisibleShape = Exclude<Shape, 'silence' | 'reset'>

/**
 * `answer` is what the processor would say; `null` where it was never asked. `turn` in [0, 1) picks
 * the form of `Retry-After`.
 */
export function visible(
  shape: VisibleShape,
  answer: Answer | null,
  wait: { readonly nowMs: number; readonly retryAfterMs: number; readonly turn: number },
): Answer {
  switch (shape) {
    case 'gateway_502':
      return gateway(502, 'Bad Gateway')
    case 'gateway_503':
      return gateway(503, 'Service Temporarily Unavailable')
    case 'gateway_504':
      return gateway(504, 'Gateway Time-out')
    case 'redirect':
      return gateway(307, 'Temporary Redirect', { location: 'https://elsewhere.invalid/' })
    case 'rate_limited':
      return withWait(refuse('rate_limited', 'Too many requests.'), retryAfter(wait))
    case 'slow_down':
      return withWait(refuse('slow_down', 'Please slow down.'), retryAfter(wait))
    case 'answer':
      return expectAnswer(answer)
    case 'garbage': {
      const { body, headers } = expectAnswer(answer)
      return { status: 200, body: body.slice(0, Math.floor(body.length / 2)), headers }
    }
    case 'wrong_amount':
      return { ...expectAnswer(answer), body: offByOne(expectAnswer(answer).body) }
  }
}

/** The balancer's own page. It has no request id, because the processor gave none. */
export function gateway(
  status: number,
  title: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = `<html><head><title>${status} ${title}</title></head><body>${title}</body></html>\n`
  return { status, body, headers: { ...headers, 'content-type': 'text/html' } }
}

export function isGateway(answer: Answer): boolean {
  return answer.headers['content-type'] === 'text/html'
}

/** Whole seconds, a fraction as some processors send it against the RFC, or a date. */
function retryAfter(wait: { nowMs: number; retryAfterMs: number; turn: number }): string {
  if (wait.turn < 1 / 3) return String(Math.ceil(wait.retryAfterMs / 1000))
  if (wait.turn < 2 / 3) return (wait.retryAfterMs / 1000).toFixed(3)
  // HTTP dates have whole seconds: rounded up, never less than was asked.
  return new Date(Math.ceil((wait.nowMs + wait.retryAfterMs) / 1000) * 1000).toUTCString()
}

function withWait(answer: Answer, seconds: string): Answer {
  return { ...answer, headers: { ...answer.headers, 'retry-after': seconds } }
}

function offByOne(body: string): string {
  return body.replace(/"(amount\w*)":([1-9]\d*)/g, (_, name: string, amount: string) => {
    return `"${name}":${Number(amount) + 1}`
  })
}

function expectAnswer(answer: Answer | null): Answer {
  if (answer === null) throw new Error('nothing was executed that could be shown')
  return answer
}
