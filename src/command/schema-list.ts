/** `spillway schema list` */
import { Command } from 'commander'
import type { Service } from '../config.ts'
import { codeOf } from '../errors.ts'
import type { MessageDefinition } from '../message/definition.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { subjectOf } from '../schema/subject.ts'
import { openContext, outputOf } from './context.ts'

/** `open` is for tests. */
export function schemaListCommand(open: typeof openContext = openContext): Command {
  return new Command('list')
    .description('The subjects of the service: what is registered, and whether this build is')
    .action(async (_flags: object, command: Command) => {
      const context = await open(command, { reach: false })
      try {
        const output = outputOf(command)
        const subjects = await subjectsIn(context.registry, await context.service())
        if (output.json) output.list('SchemaList', subjects)
        else output.table(subjects.map(inTable), ['subject', 'type', 'versions', 'latest', 'id', 'build'])
        if (subjects.some(({ registered }) => registered === null)) output.note('register with: spillway schema register')
      } finally {
        await context.close()
      }
    })
}

interface Registered {
  readonly version: number
  readonly id: number
}

interface ListedSubject {
  readonly subject: string
  readonly type: string
  readonly topic: string
  /** Oldest first. */
  readonly versions: readonly Registered[]
  readonly latest: Registered | null
  /** This build's schema; its version is null where the registry has the id under no version of this subject. */
  readonly registered: { readonly version: number | null; readonly id: number } | null
}

async function subjectsIn(registry: SchemaRegistry, { messages }: Service): Promise<ListedSubject[]> {
  const subjects = new Map(messages.map(one => [subjectOf(one.topic.name, one.type, one.topic.subjects), one]))
  const listed: ListedSubject[] = []
  for (const [subject, message] of subjects) listed.push(await subjectIn(registry, subject, message))
  return listed
}

async function subjectIn(
  registry: SchemaRegistry,
  subject: string,
  { type, topic, schema }: MessageDefinition,
): Promise<ListedSubject> {
  const versions = (await registry.versions(subject)).map(({ version, id }) => ({ version, id }))
  const id = await registry.idOf(subject, schema).catch(error => {
    if (codeOf(error) === 'E_SCHEMA_NOT_REGISTERED') return undefined
    throw error
  })
  const registered = id === undefined ? null : { version: versions.find(one => one.id === id)?.version ?? null, id }
  return { subject, type, topic: topic.name, versions, latest: versions.at(-1) ?? null, registered }
}

function inTable({ subject, type, versions, latest, registered }: ListedSubject): Record<string, string | number> {
  const version = registered?.version
  return {
    subject,
    type,
    versions: versions.length,
    latest: latest?.version ?? '-',
    id: latest?.id ?? '-',
    build:
      registered === null
        ? 'not registered'
        : version === latest?.version
          ? 'the latest'
          : `version ${version} (id ${registered.id})`,
  }
}
