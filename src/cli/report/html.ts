// HTML that cannot be broken out of: whatever is put into a template is text, unless a template of ours
// made it. References and names come from others.
import { clean } from '../table.ts'

export interface Html {
  readonly html: string
}

type Part = string | number | Html | readonly Html[]

export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const all = texts.flatMap((text, place) => [text, textOf(parts[place] ?? '')])
  return { html: all.join('') }
}

function textOf(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return 'html' in part ? part.html : part.map((each) => each.html).join('')
}

/** Also without what would turn the direction of what stands around it. */
const escaped = (text: string): string =>
  clean(text).replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`)
