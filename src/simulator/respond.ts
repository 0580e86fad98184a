// Puts an answer on the wire.
import type { Answer } from './answers.ts'
import type { Service } from './service.ts'
import { isGateway } from './shows.ts'

/** The processor numbers each of its responses; a gateway in front of it has no number. */
export function respond(answer: Answer, { ids, settings }: Service): Response {
  const { status, body, headers } = answer
  if (isGateway(answer)) return new Response(body, { status, headers })
  const requestId = ids.next('req', settings.nowMs())
  return new Response(body, { status, headers: { ...headers, 'request-id': requestId } })
}
