/**
 * The gate: may this build be deployed beside, and after, what was built before? `spillway schema check` tells, and
 * `spillway schema register` refuses what it refuses.
 */
import { codeOf } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { sortedText } from './avro-json.ts'
import { problemsForOlder, renameWarnings, resolutionProblems, type SchemaProblem, type Warning } from './compatibility.ts'
import type { RegisteredVersion, SchemaRegistry } from './registry.ts'

/** As Confluent's registry names them: BACKWARD: this build reads what was written before; FORWARD: the other way round; FULL: both. */
export const LEVELS = [
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
  'NONE',
] as const
export type Level = (typeof LEVELS)[number]

/** Tiers, DLQs and replays hold records of all versions there ever were, not only of the last one. */
export const DEFAULT_LEVEL: Level = 'BACKWARD_TRANSITIVE'

export interface SubjectSchema {
  readonly subject: string
  readonly schema: MessageSchema
}

/** What this build is compared with. */
export interface Earlier {
  /** `version 3 (id 12)`, `schemas/OrderPlaced.avsc at main`. */
  readonly label: string
  /** Avro JSON text. */
  readonly schema: string
  readonly version?: number
  readonly id?: number
}

/**
 * Besides those of SchemaProblem: `two-schemas`: the service has two for the subject; `refused-by-registry`: by a rule of its own.
 */
export type GateProblemKind = SchemaProblem['kind'] | 'two-schemas' | 'refused-by-registry'

export interface GateProblem extends Omit<SchemaProblem, 'kind' | 'refusal'> {
  readonly kind: GateProblemKind
  /** Undefined where it is about no single one. */
  readonly earlier: Earlier | undefined
}

export interface GateWarning extends Warning {
  readonly earlier: Earlier
}

export interface SubjectVerdict {
  readonly subject: string
  /** Full name of the record. */
  readonly type: string
  /** `new`: there was none before. `unchanged`: it was there exactly so. */
  readonly state: 'new' | 'unchanged' | 'changed'
  readonly compatible: boolean
  /** What it was compared with, oldest first. */
  readonly earlier: readonly Earlier[]
  /** The oldest one's first, each in the order of the fields. */
  readonly problems: readonly GateProblem[]
  readonly warnings: readonly GateWarning[]
}

export interface RegistryVerdict extends SubjectVerdict {
  /** Of this build's schema; undefined when it is not registered. */
  readonly id: number | undefined
}

/** `earlier`: oldest first. */
export async function judge(
  { subject, schema }: SubjectSchema,
  earlier: readonly Earlier[],
  level: Level = DEFAULT_LEVEL,
): Promise<SubjectVerdict> {
  const compared = level === 'NONE' ? [] : level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  const problems: GateProblem[] = []
  for (const one of compared) {
    if (!level.startsWith('FORWARD')) problems.push(...readingProblems(schema, one))
    if (!level.startsWith('BACKWARD')) problems.push(...told(problemsForOlder(schema, one.schema), one))
  }
  const warnings = compared.slice(-1).flatMap(one => renameWarnings(schema, one.schema).map(each => ({ ...each, earlier: one })))
  const own = sortedText(schema.avro)
  const state = earlier.length === 0 ? 'new' : sortedIfJson(earlier.at(-1)!.schema) === own ? 'unchanged' : 'changed'
  return { subject, type: schema.name, state, compatible: problems.length === 0, earlier: compared, problems, warnings }
}

/**
 * Against all registered versions, and by the registry's own rules. What is registered already passes: nothing would change. Rejects
 * with RegistryUnavailable and RegistryRefused.
 */
export async function checkAgainstRegistry(
  registry: SchemaRegistry,
  items: readonly SubjectSchema[],
  level: Level = DEFAULT_LEVEL,
): Promise<RegistryVerdict[]> {
  const first = new Map<string, MessageSchema>()
  const verdicts: RegistryVerdict[] = []
  for (const item of items) {
    const other = first.get(item.subject)
    first.set(item.subject, other ?? item.schema)
    // Neither would be in the registry yet when the other one is compared.
    const double = other !== undefined && sortedText(other.avro) !== sortedText(item.schema.avro) ? [twoSchemas(item, other)] : []
    const verdict = await checkOne(registry, item, level)
    const problems = [...double, ...verdict.problems]
    verdicts.push({ ...verdict, problems, compatible: problems.length === 0 })
  }
  return verdicts
}

async function checkOne(registry: SchemaRegistry, item: SubjectSchema, level: Level): Promise<RegistryVerdict> {
  const { subject, schema } = item
  const id = await registeredId(registry, item)
  const versions = await registry.versions(subject)
  if (id !== undefined) return registered(item, id, versions)
  const verdict = await judge(item, versions.map(registeredAs), level)
  if (!verdict.compatible) return { ...verdict, id }
  // The registry's words only where ours found nothing: it may hold a stricter rule, and would refuse to register then.
  const { compatible, messages } = await registry.isCompatible(subject, schema)
  const problems = compatible ? [] : [refusedByRegistry(schema, messages)]
  return { ...verdict, id, compatible, problems }
}

export function registeredAs({ version, id, schema }: RegisteredVersion): Earlier {
  return { label: `version ${version} (id ${id})`, version, id, schema }
}

/** A build that is older than what is registered, as after a rollback, is told what it cannot read: nothing else would. */
function registered({ subject, schema }: SubjectSchema, id: number, versions: readonly RegisteredVersion[]): RegistryVerdict {
  const own = versions.find(version => version.id === id)?.version ?? Number.POSITIVE_INFINITY
  const warnings = versions
    .filter(({ version }) => version > own)
    .flatMap(version =>
      resolutionProblems(schema, version.schema)
        .slice(0, 1)
        .map(({ path, reason, place }) => ({
          path,
          place,
          earlier: registeredAs(version),
          text: `a later version is registered, and this build cannot read what is written with it: ${reason}`,
        })),
    )
  const earlier = versions.map(registeredAs)
  return { subject, type: schema.name, state: 'unchanged', compatible: true, earlier, problems: [], warnings, id }
}

async function registeredId(registry: SchemaRegistry, { subject, schema }: SubjectSchema): Promise<number | undefined> {
  try {
    return await registry.idOf(subject, schema)
  } catch (error) {
    if (codeOf(error) === 'E_SCHEMA_NOT_REGISTERED') return undefined
    throw error
  }
}

function readingProblems(schema: MessageSchema, earlier: Earlier): GateProblem[] {
  return told(resolutionProblems(schema, earlier.schema), earlier)
}

function told(problems: readonly Omit<GateProblem, 'earlier'>[], earlier: Earlier): GateProblem[] {
  return problems.map(problem => ({ ...problem, earlier }))
}

function twoSchemas({ schema }: SubjectSchema, other: MessageSchema): GateProblem {
  return {
    kind: 'two-schemas',
    direction: 'backward',
    path: '',
    reason: `the service has two schemas for this subject, ${other.name} and ${schema.name}`,
    fix: "give the topic one type, or the strategy 'topic-record'",
    place: { record: schema.name },
    earlier: undefined,
  }
}

function refusedByRegistry(schema: MessageSchema, messages: readonly string[]): GateProblem {
  return {
    kind: 'refused-by-registry',
    direction: 'backward',
    path: '',
    reason: `the registry refuses it${messages.length > 0 ? `: ${messages.join('; ')}` : ', without a reason'}`,
    fix: 'see which compatibility level the registry holds for this subject; --level takes the same names',
    place: { record: schema.name },
    earlier: undefined,
  }
}

/** What is no JSON stays as it is. */
function sortedIfJson(text: string): string {
  try {
    return sortedText(JSON.parse(text))
  } catch {
    return text
  }
}
