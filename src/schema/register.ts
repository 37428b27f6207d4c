/** What `spillway schema register` does: ask the gate about everything, then register. Services never register at run time. */
import { SchemaIncompatible } from '../errors.ts'
import { checkAgainstRegistry, type GateProblem, type Level, type RegistryVerdict, type SubjectSchema } from './gate.ts'
import type { SchemaRegistry } from './registry.ts'
import { at } from './words.ts'

export type { SubjectSchema } from './gate.ts'

export interface Registration {
  readonly subject: string
  /** Full name of the record. */
  readonly name: string
  readonly id: number
  readonly outcome: 'registered' | 'unchanged'
}

/**
 * Registers what is not registered yet; may be run again at any time. Asks before it writes: when the gate refuses one, nothing is
 * registered and SchemaIncompatible lists every problem. Throws RegistryUnavailable and RegistryRefused as well.
 */
export async function registerSchemas(
  registry: SchemaRegistry,
  items: readonly SubjectSchema[],
  level?: Level,
): Promise<Registration[]> {
  const verdicts = await checkAgainstRegistry(registry, items, level)
  const problems = verdicts.flatMap(verdict => verdict.problems.map(problem => problemText(verdict, problem)))
  if (problems.length > 0)
    throw new SchemaIncompatible(`nothing was registered:\n${problems.map(problem => `  - ${problem}`).join('\n')}`)

  const done: Registration[] = []
  for (const [i, { subject, schema }] of items.entries()) {
    const { id } = verdicts[i]!
    if (id !== undefined) done.push({ subject, name: schema.name, id, outcome: 'unchanged' })
    else done.push({ subject, name: schema.name, id: await registry.register(subject, schema), outcome: 'registered' })
  }
  return done
}

function problemText({ subject, type }: RegistryVerdict, { earlier, path, reason, fix }: GateProblem): string {
  const where = earlier === undefined ? '' : `, ${earlier.label}`
  return `subject ${subject}${where}: ${path === '' ? type : at(type, path)}: ${reason}\n    fix: ${fix}`
}
