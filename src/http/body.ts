// Reads the bytes of a body, and no more of them than we are ready to take.

export type Bytes =
  | { readonly bytes: Uint8Array; readonly fault?: never }
  /** `broken_off`: the client went away in the middle. */
  | { readonly fault: 'too_large' | 'broken_off'; readonly bytes?: never }

export async function readBytes(request: Request, maxBytes: number): Promise<Bytes> {
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > maxBytes) return { fault: 'too_large' }
  try {
    // Behind a socket Node holds the client to the length that it declared: no need to count.
    const bytes =
      declared === null
        ? await readCounted(request, maxBytes)
        : new Uint8Array(await request.arrayBuffer())
    return bytes === null || bytes.byteLength > maxBytes ? { fault: 'too_large' } : { bytes }
  } catch {
    return { fault: 'broken_off' }
  }
}

/**
 * `null`: it is longer. The rest is left where it is: cancelling the stream would end the connection
 * before the client has read why.
 */
async function readCounted(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array()
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks, size)
    size += value.byteLength
    if (size > maxBytes) return null
    chunks.push(value)
  }
}

/** Text of UTF-8 bytes; `null` where they are something else. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
