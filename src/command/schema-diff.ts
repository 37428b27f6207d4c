/** `spillway schema diff` */
import { Command } from 'commander'
import type { Service } from '../config.ts'
import type { MessageSchema } from '../message/schema.ts'
import { type Earlier, registeredAs } from '../schema/gate.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type SchemaChange, schemaChanges } from '../schema/schema-diff.ts'
import { openContext, outputOf } from './context.ts'
import { printable } from './printable.ts'
import { type AgainstFlags, filesBefore, readAgainst, withAgainst } from './schema-against.ts'
import { pathIn } from './schema-check-words.ts'
import { subjectsOf } from './schema-register.ts'

/** `open` is for tests. */
export function schemaDiffCommand(open: typeof openContext = openContext): Command {
  return withAgainst(new Command('diff').description('What this build changes in its schemas, field by field'))
    .addHelpText(
      'after',
      '\nAgainst the registry: the latest version of each subject. What a change breaks is for schema check to say.',
    )
    .action(async (flags: AgainstFlags, command: Command) => {
      const context = await open(command, { reach: false })
      try {
        const output = outputOf(command)
        const service = await context.service()
        const { before, removed } = await earlierSchemas(flags, service, () => context.registry)
        const diffs = await Promise.all(
          subjectsOf(service).map(async ({ subject, schema }) => diffOf(subject, schema, await before(subject, schema))),
        )
        if (output.json) output.list('SchemaDiffList', diffs)
        else for (const diff of diffs) for (const line of linesOf(diff)) output.line(printable(line))
        for (const name of removed) output.note(`note: ${name} is gone in this build`)
      } finally {
        await context.close()
      }
    })
}

interface Diff {
  readonly subject: string
  readonly type: string
  readonly state: 'new' | 'unchanged' | 'changed'
  /** What it is compared with. */
  readonly from: string | null
  readonly changes: readonly SchemaChange[]
}

interface EarlierSchemas {
  readonly before: (subject: string, schema: MessageSchema) => Promise<Earlier | undefined>
  readonly removed: readonly string[]
}

async function earlierSchemas(flags: AgainstFlags, service: Service, registry: () => SchemaRegistry): Promise<EarlierSchemas> {
  const against = readAgainst(flags)
  if (against.kind === 'registry') {
    const latest = async (subject: string) => (await registry().versions(subject)).map(registeredAs).at(-1)
    return { before: latest, removed: [] }
  }
  const { schemas, removed } = await filesBefore(against, flags, service)
  return { before: async (_subject, { name }) => schemas.get(name), removed }
}

function diffOf(subject: string, schema: MessageSchema, before: Earlier | undefined): Diff {
  const changes = before === undefined ? [] : schemaChanges(schema, before.schema)
  const state = before === undefined ? 'new' : changes.length === 0 ? 'unchanged' : 'changed'
  return { subject, type: schema.name, state, from: before?.label ?? null, changes }
}

function linesOf({ subject, type, state, from, changes }: Diff): string[] {
  const head = `${subject}: ${state}${from === null ? '' : ` since ${from}`}`
  return [head, ...changes.map(({ path, text }) => `    ${pathIn(type, path)}: ${text}`)]
}
