/** What `spillway schema register` does: check everything, then register. Services never register at run time. */
import { codeOf, SchemaIncompatible } from '../errors.ts'
import type { MessageSchema } from '../message/schema.ts'
import { checkCompatibility } from './compatibility.ts'
import type { SchemaRegistry } from './registry.ts'

export interface SubjectSchema {
  readonly subject: string
  readonly schema: MessageSchema
}

export interface Registration {
  readonly subject: string
  /** Full name of the record. */
  readonly name: string
  readonly id: number
  readonly outcome: 'registered' | 'unchanged'
}

/**
 * Registers what is not registered yet; may be run again at any time. Asks before it writes: on any incompatibility (by our own
 * check against all versions, or by the registry's verdict) nothing is registered and SchemaIncompatible lists every problem.
 * Throws RegistryUnavailable and RegistryRefused as well.
 */
export async function registerSchemas(registry: SchemaRegistry, items: readonly SubjectSchema[]): Promise<Registration[]> {
  const problems: string[] = twoForOneSubject(items)
  const known = new Map<SubjectSchema, number>()
  for (const item of items) {
    const id = await registeredId(registry, item)
    if (id !== undefined) known.set(item, id)
    else problems.push(...(await problemsOf(registry, item)))
  }
  if (problems.length > 0)
    throw new SchemaIncompatible(`nothing was registered:\n${problems.map(problem => `  - ${problem}`).join('\n')}`)

  const done: Registration[] = []
  for (const item of items) {
    const id = known.get(item)
    const { subject, schema } = item
    if (id !== undefined) done.push({ subject, name: schema.name, id, outcome: 'unchanged' })
    else done.push({ subject, name: schema.name, id: await registry.register(subject, schema), outcome: 'registered' })
  }
  return done
}

/** Checked here, as neither would be in the registry yet when the other one is compared. */
function twoForOneSubject(items: readonly SubjectSchema[]): string[] {
  const first = new Map<string, MessageSchema>()
  const problems: string[] = []
  for (const { subject, schema } of items) {
    const other = first.get(subject) ?? schema
    first.set(subject, other)
    if (JSON.stringify(other.avro) !== JSON.stringify(schema.avro))
      problems.push(`subject ${subject}: given two schemas, ${other.name} and ${schema.name}`)
  }
  return problems
}

async function registeredId(registry: SchemaRegistry, { subject, schema }: SubjectSchema): Promise<number | undefined> {
  try {
    return await registry.idOf(subject, schema)
  } catch (error) {
    if (codeOf(error) === 'E_SCHEMA_NOT_REGISTERED') return undefined
    throw error
  }
}

async function problemsOf(registry: SchemaRegistry, { subject, schema }: SubjectSchema): Promise<string[]> {
  const own = checkCompatibility(schema, await registry.versions(subject))
  const problems = own.problems.map(
    ({ version, path, reason }) =>
      `subject ${subject}, version ${version}: ${path === '' ? schema.name : `${schema.name}.${path}`}: ${reason}`,
  )
  const { compatible, messages } = await registry.isCompatible(subject, schema)
  // The registry's words only where ours found nothing: it may hold a stricter rule.
  if (!compatible && own.compatible) {
    problems.push(
      `subject ${subject}: ${schema.name}: the registry refuses it${messages.length > 0 ? `: ${messages.join('; ')}` : ', without a reason'}`,
    )
  }
  return problems
}
