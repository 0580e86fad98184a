// Reads a request's body: JSON, an object, at most 64 KiB, refused before more of it is read.
import { refuse } from './answers.ts'
import type { Answer } from './answers.ts'
import { isFields } from './fields.ts'
import type { Fields } from './fields.ts'
import { connectionLost } from './holds.ts'

export type Body =
  | { readonly refusal: null; readonly fields: Fields }
  | { readonly refusal: Answer }

const maxBytes = 65_536

export async function readBody(request: Request): Promise<Body> {
  const text = await readText(request)
  if (text === null) return { refusal: refuse('body_too_large', 'At most 64 KiB.') }
  // An action without parameters may come without a body.
  if (text === '') return { refusal: null, fields: {} }
  try {
    const value: unknown = JSON.parse(text)
    if (isFields(value)) return { refusal: null, fields: value }
  } catch {
    // Refused below, like JSON of another shape.
  }
  return { refusal: refuse('malformed_body', 'The body is no JSON object.') }
}

/** `null`: too long. Node's HTTP parser holds a client to the length that it declares. */
async function readText(request: Request): Promise<string | null> {
  const declared = request.headers.get('content-length')
  if (declared !== null) return Number(declared) > maxBytes ? null : readWhole(request)
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body) {
      size += chunk.byteLength
      if (size > maxBytes) return null
      chunks.push(chunk)
    }
  } catch {
    throw connectionLost('UND_ERR_SOCKET')
  }
  return Buffer.concat(chunks).toString()
}

/** A client that leaves in the middle of its body gets no answer. */
async function readWhole(request: Request): Promise<string> {
  try {
    return await request.text()
  } catch {
    throw connectionLost('UND_ERR_SOCKET')
  }
}
