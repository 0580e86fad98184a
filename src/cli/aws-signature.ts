// Requests signed with an AWS identity (Signature Version 4), for the routes below `/aws`: there IAM says
// who asks, and no token is needed. Source: IAM User Guide, "Create a signed AWS API request".
import { createHash, createHmac } from 'node:crypto'

export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of a role's session. */
  readonly sessionToken: string | null
  readonly region: string
}

interface Signed {
  readonly method: string
  readonly url: URL
  /** Names in lower case; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** S3 takes a word in place of the hash of a body that is read only once. */
  readonly payload?: 'UNSIGNED-PAYLOAD'
}

/** API Gateway's name among the services. */
const gateway = 'execute-api'

/** A `fetch` that signs what it sends. */
export function signingFetch(
  identity: AwsIdentity,
  nowMs: () => number = Date.now,
  send: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const { body = '' } = init
    if (typeof body !== 'string' && body !== null) throw new TypeError('only text can be signed')
    const own = Object.fromEntries(new Headers(init.headers))
    const request = { method: init.method ?? 'GET', url, headers: own, body: body ?? '' }
    return send(url, { ...init, headers: { ...own, ...signatureOf(request, identity, nowMs()) } })
  }
}

/** The headers that a request needs besides its own. */
export function signatureOf(
  { method, url, headers, body, payload }: Signed,
  { accessKeyId, secretAccessKey, sessionToken, region }: AwsIdentity,
  atMs: number,
  service = gateway,
): Readonly<Record<string, string>> {
  const at = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const added = {
    'x-amz-date': at,
    ...(sessionToken === null ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const all = Object.entries({ ...headers, ...added, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replaceAll(/ +/g, ' ')] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  const names = all.map(([name]) => name).join(';')
  const canonical = [
    method,
    url.pathname.split('/').map(encoded).join('/'),
    queryOf(url),
    ...all.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    payload ?? sha256(body),
  ].join('\n')
  const scope = `${at.slice(0, 8)}/${region}/${service}/aws4_request`
  const key = [at.slice(0, 8), region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  )
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n')
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  return {
    ...added,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, ` +
      `SignedHeaders=${names}, Signature=${signature}`,
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** By name, then by value. */
function queryOf({ searchParams }: URL): string {
  return [...searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&')
}

/** A path that is encoded in the URL already is encoded once more: so AWS has it for all but S3. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** `…execute-api.eu-west-1.amazonaws.com`; a domain of one's own does not say it. */
export const regionOf = (url: string): string | null =>
  /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(new URL(url).hostname)?.[1] ?? null

/** Whose paths begin so is behind IAM. */
export const isForIam = (url: string): boolean => /\/aws\/?$/.test(new URL(url).pathname)
