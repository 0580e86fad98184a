// What is kept of a processor's answer as evidence: short, and nothing in it that could be used.

const maxLength = 300

/** Longer runs of digits than any amount or time has, perhaps in the groups of a card. */
const cardLike = /(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)/g

/** Key names of the common processors, and credentials by the names that they go under. */
const secretLike =
  /\b(?:Bearer|Basic)\s+[\w.~+/=-]+|\b(?:sk|rk|pk|whsec)_[\w-]+|"(?:api_?key|secret|client_secret|password|token|access_token|authorization|number|cvc|cvv)"\s*:\s*"[^"]*"/gi

/** `secrets` are ours, taken out wherever they stand, whatever they look like. */
export function excerptOf(text: string, secrets: readonly string[]): string | null {
  let clean = text
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '[secret]')
  clean = clean
    .replace(secretLike, '[secret]')
    .replace(cardLike, '[digits]')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ')
    .trim()
  return clean === '' ? null : clean.slice(0, maxLength)
}
