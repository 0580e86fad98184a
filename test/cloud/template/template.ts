// Reads a synthesised CloudFormation template and says what each resource's properties are on this
// machine: every reference becomes a local name, URL or ARN. What it does not know it refuses.
// Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters".
// Not here: Fn::ImportValue of other stacks, transforms, dynamic references, stack updates.
import { asNumber, asObject, asText, isObject, listOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import { accountId, attributeOf, referenceOf, region } from './names.ts'
import type { Named } from './names.ts'

export interface Place {
  /** Where queues are reached; part of their URL. */
  readonly endpoint: string
  /** Values of the template's parameters; a default stands in for what is missing. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface Resource {
  readonly id: string
  readonly type: string
  /** All references resolved. */
  readonly properties: JsonObject
  /** What CDK says about the bundle: the folder below the synthesised output. */
  readonly metadata: JsonObject
}

export interface Template {
  readonly resources: readonly Resource[]
  readonly ofType: (type: string) => readonly Resource[]
  readonly output: (prefix: string) => string
}

export function readTemplate(json: Json, place: Place): Template {
  const template = asObject(json, 'template')
  const raw = asObject(template['Resources'], 'Resources')
  const scope: Scope = { template, raw, place }
  const resources = Object.entries(raw).map(([id, value]): Resource => {
    const resource = asObject(value, id)
    if (resource['Condition'] !== undefined) throw new Error(`${id} has a Condition`)
    return Object.freeze({
      id,
      type: asText(resource['Type'], `${id}.Type`),
      properties: asObject(resolve(scope, resource['Properties'] ?? {}, id), id),
      metadata: asObject(resource['Metadata'] ?? {}, id),
    })
  })
  const outputs = asObject(template['Outputs'] ?? {}, 'Outputs')
  return Object.freeze({
    resources,
    ofType: (type: string) => resources.filter((each) => each.type === type),
    output: (prefix: string) => {
      const found = Object.entries(outputs).find(([name]) => name.startsWith(prefix))
      if (found === undefined) throw new Error(`the template has no output ${prefix}…`)
      return asText(resolve(scope, asObject(found[1], prefix)['Value'] ?? null, prefix), prefix)
    },
  })
}

interface Scope {
  readonly template: JsonObject
  readonly raw: JsonObject
  readonly place: Place
}

type Intrinsic = (scope: Scope, argument: Json, where: string) => Json | undefined

function resolve(scope: Scope, value: Json, where: string): Json | undefined {
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((each) => resolve(scope, each, where)).filter(isGiven)
  }
  if (!isObject(value)) return value
  const [name = '', ...more] = Object.keys(value)
  const intrinsic = more.length === 0 ? intrinsics[name] : undefined
  if (intrinsic !== undefined) return intrinsic(scope, value[name] ?? null, where)
  if (name.startsWith('Fn::')) throw new Error(`${where} uses ${name}, which is not known here`)
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, resolve(scope, each, `${where}.${key}`)] as const)
      .filter((entry): entry is [string, Json] => isGiven(entry[1])),
  )
}

const isGiven = (value: Json | undefined): value is Json => value !== undefined

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (scope, name, where) => reference(scope, asText(name, where), where),
  'Fn::GetAtt': (scope, argument, where) => {
    const [id, name] =
      typeof argument === 'string' ? argument.split('.') : list(scope, argument, where)
    return attribute(scope, asText(id, where), asText(name, where), where)
  },
  'Fn::Join': (scope, argument, where) => {
    const [separator, parts] = list(scope, argument, where)
    return listOf(parts).map(String).join(asText(separator, where))
  },
  'Fn::Select': (scope, argument, where) => {
    const [index, parts] = list(scope, argument, where)
    const part = listOf(parts)[asNumber(index, where)]
    if (part === undefined) throw new Error(`${where} selects what is not there`)
    return part
  },
  'Fn::Split': (scope, argument, where) => {
    const [separator, whole] = list(scope, argument, where)
    return asText(whole, where).split(asText(separator, where))
  },
  'Fn::Sub': (scope, argument, where) => {
    const [pattern, given] =
      typeof argument === 'string' ? [argument, {}] : list(scope, argument, where)
    const values = asObject(given ?? {}, where)
    return asText(pattern, where).replaceAll(/\$\{([^!}]+)\}/g, (_, name: string) => {
      if (values[name] !== undefined) return wordOf(values[name])
      const [id = '', ...path] = name.split('.')
      return path.length === 0
        ? wordOf(reference(scope, id, where))
        : attribute(scope, id, path.join('.'), where)
    })
  },
  'Fn::If': (scope, argument, where) => {
    const [name, yes, no] = listOf(argument) // only the branch that is taken may be resolved
    return resolve(scope, (holds(scope, asText(name, where), where) ? yes : no) ?? null, where)
  },
  'Fn::Equals': (scope, argument, where) => {
    const [one, other] = list(scope, argument, where)
    return one === other
  },
  'Fn::Not': (scope, argument, where) => list(scope, argument, where)[0] !== true,
  'Fn::And': (scope, argument, where) =>
    list(scope, argument, where).every((each) => each === true),
  'Fn::Or': (scope, argument, where) => list(scope, argument, where).includes(true),
  // Beside other keys it is the condition of a policy's statement, and stays what it is.
  Condition: (scope, name, where) => holds(scope, asText(name, where), where),
}

function reference(scope: Scope, name: string, where: string): Json | undefined {
  if (name === 'AWS::NoValue') return undefined
  const known = pseudo[name] ?? parameter(scope, name)
  if (known !== undefined) return known
  return referenceOf(resourceNamed(scope, name, where), scope.place.endpoint)
}

const attribute = (scope: Scope, id: string, name: string, where: string): string =>
  attributeOf(resourceNamed(scope, id, where), name, scope.place.endpoint)

function resourceNamed(scope: Scope, id: string, where: string): Named {
  const resource = scope.raw[id]
  if (!isObject(resource)) throw new Error(`${where} refers to ${id}, which is nowhere`)
  const own = asObject(resource['Properties'] ?? {}, id)
  return {
    id,
    type: asText(resource['Type'], id),
    property: (key) =>
      own[key] === undefined ? undefined : wordOf(resolve(scope, own[key], `${id}.${key}`)),
  }
}

function list(scope: Scope, value: Json, where: string): readonly Json[] {
  const resolved = resolve(scope, value, where)
  if (Array.isArray(resolved)) return resolved as readonly Json[]
  throw new Error(`${where} should be a list`)
}

function holds(scope: Scope, name: string, where: string): boolean {
  const condition = asObject(scope.template['Conditions'] ?? {}, 'Conditions')[name]
  if (condition === undefined) throw new Error(`${where} asks for the condition ${name}`)
  return resolve(scope, condition, name) === true
}

function parameter({ template, place }: Scope, name: string): string | undefined {
  const declared = asObject(template['Parameters'] ?? {}, 'Parameters')[name]
  if (declared === undefined) return undefined
  const given = place.parameters[name] ?? asObject(declared, name)['Default']
  if (given === undefined) throw new Error(`the parameter ${name} has no value`)
  return wordOf(given)
}

const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::AccountId': accountId,
  'AWS::URLSuffix': 'amazonaws.com',
  // The installation's name is made from its last part.
  'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/Local/0a0b0c0d-0000-4000-8000-000000000000`,
  'AWS::StackName': 'Local',
}
