// One TypeScript file as the rules of tidiness see it: what it imports, which names it uses, how
// long it and its functions are. Read from the syntax tree, so that comments and strings do not
// count. What is allowed is not here but in `rules.ts`.
import { posix } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import type { ImportDeclaration, Node, Program, Span } from 'oxc-parser'

export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string
  readonly lineCount: number
  readonly imports: readonly Import[]
  readonly uses: readonly Use[]
  readonly functions: readonly FunctionLength[]
  /** It holds nothing but imports and exports of what other files define. */
  readonly isBarrel: boolean
}

export interface Import {
  readonly line: number
  /** As written. */
  readonly specifier: string
  /** A path from the root of the project, or the specifier of a package. */
  readonly target: string
  readonly typeOnly: boolean
}

/** `name`: an identifier that is no property. `member`: `object.property`. */
export interface Use {
  readonly line: number
  readonly kind: 'name' | 'member' | 'async' | 'any' | 'export'
  readonly text: string
}

/**
 * The lines that a function has of its own: what lies inside a function within it is counted there,
 * so that a factory is not blamed for the length of the methods it returns.
 */
export interface FunctionLength {
  readonly line: number
  readonly lineCount: number
}

export function parseSource(path: string, text: string): Source {
  const { program, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path} cannot be read: ${errors[0].message}`)
  const starts = [0, ...Array.from(text.matchAll(/\n/g), (match) => match.index + 1)]
  const lineAt = (offset: number) => starts.findLastIndex((start) => start <= offset) + 1
  return {
    path,
    lineCount: lineAt(text.trimEnd().length),
    imports: findImports(path, program, lineAt),
    uses: findUses(program, lineAt),
    functions: measureFunctions(program, lineAt),
    isBarrel:
      program.body.every(isReexport) && program.body.some((n) => n.type.startsWith('Export')),
  }
}

type LineAt = (offset: number) => number

function findImports(path: string, program: Program, lineAt: LineAt): Import[] {
  const found: Import[] = []
  const add = (node: Span, specifier: string, typeOnly: boolean) => {
    const isRelative = specifier.startsWith('.')
    const target = isRelative ? posix.join(posix.dirname(path), specifier) : specifier
    found.push({ line: lineAt(node.start), specifier, target, typeOnly })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node, node.source.value, importsTypesOnly(node)),
    ExportAllDeclaration: (node) => add(node, node.source.value, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node, node.source.value, node.exportKind === 'type')
    },
    ImportExpression: (node) => {
      const { source } = node
      if (source.type === 'Literal') add(node, String(source.value), false)
    },
    TSImportType: (node) => add(node, node.source.value, true),
  }).visit(program)
  return found
}

function importsTypesOnly({ importKind, specifiers }: ImportDeclaration): boolean {
  const isType = specifiers.map((s) => s.type === 'ImportSpecifier' && s.importKind === 'type')
  return importKind === 'type' || (isType.length > 0 && isType.every(Boolean))
}

function findUses(program: Program, lineAt: LineAt): Use[] {
  const found: Use[] = []
  const add = (node: Span, kind: Use['kind'], text: string) => {
    found.push({ line: lineAt(node.start), kind, text })
  }
  // A parent is visited before its children, so what a name is for is known before it is seen.
  const ignored = new Set<Span>()
  const noteKey = (node: { readonly key: Span; readonly computed: boolean }) => {
    if (!node.computed) ignored.add(node.key)
  }
  const noteAsync = (node: Span & { readonly async: boolean }) => {
    if (node.async) add(node, 'async', 'async')
  }
  new Visitor({
    Identifier: (node) => {
      if (!ignored.has(node)) add(node, 'name', node.name)
    },
    MemberExpression: (node) => {
      if (!node.computed) ignored.add(node.property)
      add(node, 'member', `${nameOf(node.object)}.${nameOf(node.property)}`)
    },
    NewExpression: ({ callee, arguments: args }) => {
      // A date made from a given time reads no clock.
      if (nameOf(callee) === 'Date' && args.length > 0) ignored.add(callee)
    },
    ImportDeclaration: (node) => {
      if (!/^(node:)?process$/.test(node.source.value)) return
      for (const { local } of node.specifiers) add(node, 'member', `process.${local.name}`)
    },
    Property: noteKey,
    PropertyDefinition: noteKey,
    MethodDefinition: noteKey,
    TSPropertySignature: noteKey,
    TSMethodSignature: noteKey,
    FunctionDeclaration: noteAsync,
    FunctionExpression: noteAsync,
    ArrowFunctionExpression: noteAsync,
    AwaitExpression: (node) => add(node, 'async', 'await'),
    ForOfStatement: (node) => {
      if (node.await) add(node, 'async', 'for await')
    },
    TSAnyKeyword: (node) => add(node, 'any', 'any'),
    ExportDefaultDeclaration: (node) => add(node, 'export', 'export default'),
    ExportAllDeclaration: (node) => add(node, 'export', 'export *'),
  }).visit(program)
  return found
}

/** As written where it is a plain name or text, else a placeholder that matches no rule. */
function nameOf(node: Node): string {
  if (node.type === 'Identifier') return node.name
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : '?'
}

function measureFunctions(program: Program, lineAt: LineAt): FunctionLength[] {
  const found: FunctionLength[] = []
  const innerCounts: number[] = []
  const enter = () => {
    innerCounts.push(0)
  }
  const leave = (node: Span) => {
    const line = lineAt(node.start)
    const wholeCount = lineAt(node.end) - line + 1
    found.push({ line, lineCount: wholeCount - (innerCounts.pop() ?? 0) })
    // Its first and last line are also lines of the function around it.
    const outer = innerCounts.pop()
    if (outer !== undefined) innerCounts.push(outer + Math.max(0, wholeCount - 2))
  }
  new Visitor({
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
    'FunctionDeclaration:exit': leave,
    'FunctionExpression:exit': leave,
    'ArrowFunctionExpression:exit': leave,
  }).visit(program)
  return found
}

function isReexport(node: Node): boolean {
  if (node.type === 'ExportNamedDeclaration') return node.declaration === null
  return node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration'
}
