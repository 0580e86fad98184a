// Values as text in the table: JSON whose property names are replaced by short ones, because a write is
// paid by the kilobyte, and whose own id is left out. A payment with its attempt takes about 1,200 bytes
// as JSON and 750 so.
//
// The list is part of what is stored: names are only ever added, at its end. A name that is not in it is
// kept as it is behind a tilde, so that nothing is lost; it is only longer.

const names = (
  'payment dueAtMs run agent account amount currency payee reference paymentMethod capture id binding ' +
  'processor processorAccount livemode batch retryOf createdAtMs retryCount budgets format seq ' +
  'updatedAtMs notAfterMs approval holds voidRequested attemptsOpened duplicateObjects objectId voiding ' +
  'state operation kind attempt number request oneStep apiVersion sends atMs recoverAtMs outcome cause ' +
  'retryAtMs earlierSends forgivenSends inquiries count lastAtMs answered absentAtMs storesDeclines ' +
  'amountAuthorised authorisationExpiresAtMs captureRequested amountCaptured amountReversed ' +
  'capturedAtMs refunds settlementAsked settlement settledAtMs fee type paymentId terms by source ' +
  'attemptId send askedAtMs status requestId excerpt target object reason sinceMs detail hash ' +
  'expiresAtMs approvedBy decline code objectCancelled result distinctFrom'
).split(' ')

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

// Letters only: names that look like numbers would change the order of the properties.
function shortName(index: number): string {
  const last = letters.charAt(index % letters.length)
  const rest = Math.floor(index / letters.length)
  return rest === 0 ? last : shortName(rest - 1) + last
}

const shortNames = new Map(names.map((name, index) => [name, shortName(index)]))
const longNames = new Map([...shortNames].map(([name, short]) => [short, name]))

/** `ownId`: the payment's id, which its item's key holds as well. */
export function pack(value: unknown, ownId = ''): string {
  const json = JSON.stringify(rename(value, (name) => shortNames.get(name) ?? `~${name}`))
  const known = knownPart(ownId)
  return known === null ? json : json.replaceAll(known, ownMark)
}

export function unpack<T>(text: string, ownId = ''): T {
  const known = knownPart(ownId)
  const json = known === null ? text : text.replaceAll(ownMark, known)
  // The type is that of the value which was packed under the same table.
  return rename(JSON.parse(json), longName) as T
}

/** Stands for the payment's own id. JSON escapes control characters, so it can be nothing else. */
const ownMark = '\u0001'

/** Its id is in the ids of its attempts, too, without the prefix. */
function knownPart(ownId: string): string | null {
  const part = ownId.slice(ownId.indexOf('_') + 1)
  return part.length >= 20 && part.length <= 100 ? part : null
}

function longName(short: string): string {
  if (short.startsWith('~')) return short.slice(1)
  const name = longNames.get(short)
  if (name === undefined) throw new Error(`a stored value has a name of newer code: ${short}`)
  return name
}

function rename(value: unknown, to: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => rename(each, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [to(name), rename(each, to)]),
  )
}
