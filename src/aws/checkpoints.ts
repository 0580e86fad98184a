// What a reconciliation has read and compared so far, kept in S3 between two invocations: the file of its
// index as it is. A function's own disk is gone with its instance. Whatever is lost here is read again.
// Three calls need no client of a megabyte. Source: Amazon S3 API Reference, PutObject, GetObject,
// DeleteObject; "Signature Calculations for the Authorization Header".
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { signatureOf } from '../cli/aws-signature.ts'
import type { AwsIdentity } from '../cli/aws-signature.ts'

export interface Checkpoints {
  /** Into this file; `false`: none is kept, and there is no file. */
  readonly fetch: (run: string, file: string) => Promise<boolean>
  readonly keep: (run: string, file: string) => Promise<void>
  readonly forget: (run: string) => Promise<void>
}

export interface CheckpointPlace {
  /** `bucket.s3.eu-west-1.amazonaws.com` */
  readonly host: string
  /** Where the services of AWS are reached in its stead, as their SDKs know it: `AWS_ENDPOINT_URL`. */
  readonly endpoint: string | null
  /** Asked for each call: a role's session is renewed while an instance lives. */
  readonly identity: () => AwsIdentity
  /** Before the second try, the third, and so on. */
  readonly pausesMs?: readonly number[]
}

/** The template allows nothing beside it. */
export const checkpointPrefix = 'reconciling/'

const defaultPausesMs = [500, 2_000]

/** Without a byte for so long a call is given up. */
const silenceMs = 20_000

export function openCheckpoints(place: CheckpointPlace): Checkpoints {
  const { pausesMs = defaultPausesMs } = place
  const patiently = patience(pausesMs)
  const urlOf = (run: string): URL => urlIn(place, `${checkpointPrefix}${run}.db`)
  return Object.freeze<Checkpoints>({
    fetch: (run, file) =>
      patiently(async () => {
        const response = await call(place, 'GET', urlOf(run))
        if (response.statusCode === 404) {
          response.resume()
          return false
        }
        await refuseFailure(response)
        await pipeline(response, createWriteStream(file, { mode: 0o600 }))
        return true
      }),
    keep: (run, file) =>
      patiently(async () => {
        const response = await call(place, 'PUT', urlOf(run), file)
        await refuseFailure(response)
        response.resume()
      }),
    forget: (run) =>
      patiently(async () => {
        const response = await call(place, 'DELETE', urlOf(run))
        await refuseFailure(response)
        response.resume()
      }),
  })
}

function urlIn({ host, endpoint }: CheckpointPlace, key: string): URL {
  if (endpoint === null) return new URL(`https://${host}/${key}`)
  const [bucket] = host.split('.')
  return new URL(`/${bucket}/${key}`, endpoint)
}

async function call(
  { identity }: CheckpointPlace,
  method: 'GET' | 'PUT' | 'DELETE',
  url: URL,
  file: string | null = null,
): Promise<IncomingMessage> {
  const length = file === null ? 0 : (await stat(file)).size
  const payload = 'UNSIGNED-PAYLOAD'
  const own = {
    'x-amz-content-sha256': payload,
    ...(file === null ? {} : { 'content-type': 'application/vnd.sqlite3' }),
  } as const
  const signed = signatureOf(
    { method, url, headers: own, body: '', payload },
    identity(),
    Date.now(),
    's3',
  )
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const open = url.protocol === 'http:' ? requestHttp : requestHttps
  const headers = { ...own, ...signed, 'content-length': String(length) }
  const sent = open(url, { method, headers, timeout: silenceMs }, resolve)
  sent.on('timeout', () => sent.destroy(new Error('S3 does not answer')))
  sent.on('error', reject)
  if (file === null) sent.end()
  // It may answer, and refuse, before it has read all of it.
  else pipeline(createReadStream(file), sent).catch(reject)
  return promise
}

async function refuseFailure(response: IncomingMessage): Promise<void> {
  const { statusCode = 0 } = response
  if (statusCode >= 200 && statusCode < 300) return
  throw new Error(`S3 answers ${statusCode}: ${(await text(response)).slice(0, 300)}`)
}

const patience =
  (pausesMs: readonly number[]) =>
  async <T>(work: () => Promise<T>): Promise<T> => {
    for (const pauseMs of pausesMs) {
      try {
        return await work()
      } catch {
        await sleep(pauseMs)
      }
    }
    return work()
  }
