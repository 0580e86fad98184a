// Synthesised templates for the tests, and what they ask of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'

import { bundle } from './bundle.ts'
import type { QuittanceProps } from './props.ts'
import { Quittance } from './quittance.ts'

export interface Resource {
  readonly id: string
  readonly Type: string
  /** The shapes are CloudFormation's; each test knows its own, as after `JSON.parse`. */
  readonly Properties: Record<string, ReturnType<JSON['parse']>>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
  readonly DependsOn?: readonly string[]
}

/** Two processors, so that what belongs to one can be told from what belongs to both. */
const twoProcessors: QuittanceProps['processors'] = {
  north: { kind: 'simulated', url: 'https://north.test', account: { id: 'n', livemode: false } },
  south: { kind: 'simulated', url: 'https://south.test', account: { id: 's', livemode: false } },
}

await bundle()

export class World {
  readonly stack: Stack
  readonly quittance: Quittance
  private readonly resources: readonly Resource[]

  constructor(props: Partial<QuittanceProps> | ((stack: Stack) => Partial<QuittanceProps>) = {}) {
    this.stack = new Stack(new App({ context: recommendedFlags() }), 'Test')
    const given = typeof props === 'function' ? props(this.stack) : props
    this.quittance = new Quittance(this.stack, 'Payments', {
      processors: twoProcessors,
      identities: [{ iamRole: 'operators', role: 'operator' }],
      ...given,
    })
    const template = Template.fromStack(this.stack).toJSON() as {
      Resources: Record<string, Omit<Resource, 'id'>>
    }
    this.resources = Object.entries(template.Resources).map(([id, resource]) => ({
      ...resource,
      id,
      Properties: resource.Properties ?? {},
    }))
  }

  all(type?: string): readonly Resource[] {
    return type === undefined
      ? this.resources
      : this.resources.filter((each) => each.Type === `AWS::${type}`)
  }

  /** The one of this type whose id begins so, up to its hash. */
  one(type: string, name: string): Resource {
    const found = this.all(type).filter(({ id }) => nameOf(id) === name)
    const [first] = found
    if (first === undefined || found.length > 1) {
      throw new Error(`${found.length} of ${type} are called ${name}`)
    }
    return first
  }
}

/** `PaymentsIntake3D8B32D4` is `Intake`. */
export const nameOf = (id: string): string =>
  id.replace(/^Payments/, '').replace(/[0-9A-F]{8}$/, '')

/** `cdk.json` is read by the CLI only. */
export function recommendedFlags(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'cdk.json'), 'utf8')).context
}

// ── Policies ─────────────────────────────────────────────────────────────────────────────────────

export interface Statement {
  readonly Sid?: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: Record<string, Record<string, unknown>>
}

export function statementsOf({ Properties }: Resource): readonly Statement[] {
  const policies = (Properties['Policies'] ?? []) as {
    PolicyDocument: { Statement: Statement[] }
  }[]
  const own = Properties['PolicyDocument'] as { Statement: Statement[] } | undefined
  return [...policies.flatMap((each) => each.PolicyDocument.Statement), ...(own?.Statement ?? [])]
}

export const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T]

/** Ids of the resources that a value of the template refers to. */
export function refersTo(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [String(inner)]
    if (key === 'Fn::GetAtt') return [String((inner as string[])[0])]
    return refersTo(inner)
  })
}
