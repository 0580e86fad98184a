// What may stand in no line of any file that others will read. Words are written with a gap, so that
// this file does not break its own rules.

export interface TextRule {
  readonly name: string
  readonly why: string
  readonly pattern: RegExp
  /** Lines that break this rule. */
  readonly planted: readonly string[]
}

const marks = ['TO_DO', 'FIX_ME', 'X_XX'].map(closeGap)

/** Folders in which people, containers and CI systems keep their checkouts. */
const homes = 'root|work|builds|workspace|home/[a-z_][\\w-]*|Users/[A-Za-z][\\w.-]*'

/** Hosts that packages are fetched from; which one is everybody's own setting. */
const hosts = ['registry_.npmjs.', 'registry_.yarnpkg.', 'deb_.debian.'].map(closeGap)

export const textRules: readonly TextRule[] = [
  {
    name: 'no marks of unfinished work',
    why: 'what is missing is an issue, with a reason; a mark in the code is read by nobody',
    pattern: new RegExp(`\\b(${marks.join('|')})\\b`),
    planted: marks.map((mark) => `// ${mark}: later`),
  },
  {
    name: "no path of one person's machine",
    why: 'it is wrong everywhere else; paths are relative, or start from import.meta.dirname',
    // Not inside a longer path.
    pattern: new RegExp(`(?<![\\w.~@)}\\]*-])/(${homes})/`),
    planted: ['cd /_root/x', "'/_home/ada/x'", 'file:///_Users/Ada/x'].map(closeGap),
  },
  {
    name: 'no host name of a package registry',
    why: 'npm asks the one that is set where it runs',
    pattern: new RegExp(hosts.join('|').replaceAll('.', '[.]')),
    planted: hosts.map((host) => `https://${host}org/zod`),
  },
]

function closeGap(word: string): string {
  return word.replace('_', '')
}
