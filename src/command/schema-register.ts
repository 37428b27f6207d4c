/** `spillway schema register` */
import { Command } from 'commander'
import type { Service } from '../config.ts'
import type { Level } from '../schema/gate.ts'
import { type Registration, registerSchemas, type SubjectSchema } from '../schema/register.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { subjectOf } from '../schema/subject.ts'
import { inContext, outputOf } from './context.ts'
import { type LevelFlag, levelOption } from './schema-against.ts'

/** Throws SchemaIncompatible (E_SCHEMA_INCOMPATIBLE), with nothing registered, when one of them cannot read what older ones wrote. */
export function schemaRegisterCommand(): Command {
  return new Command('register')
    .description('Register the schemas of the service, after checking that they can read what older versions wrote')
    .addHelpText(
      'after',
      '\nMay be run again at any time: what is registered stays as it is. Run it before new code is deployed. It refuses what schema check refuses.',
    )
    .addOption(levelOption())
    .action(({ level }: LevelFlag, command: Command) =>
      inContext(
        command,
        async ({ registry, service }) => {
          const output = outputOf(command)
          const done = await registerService(registry, await service(), level)
          if (output.json) output.list('SchemaRegistrationList', done)
          else
            output.table(
              done.map(({ subject, name, id, outcome }) => ({ subject, schema: name, id, outcome })),
              ['subject', 'schema', 'id', 'outcome'],
            )
        },
        { reach: false },
      ),
    )
}

export async function registerService(registry: SchemaRegistry, service: Service, level?: Level): Promise<Registration[]> {
  return registerSchemas(registry, subjectsOf(service), level)
}

/** What the service needs in the registry, each once. */
export function subjectsOf({ messages }: Service): SubjectSchema[] {
  const items = messages.map(({ schema, topic, type }) => ({ subject: subjectOf(topic.name, type, topic.subjects), schema }))
  return [...new Map(items.map(item => [item.subject, item])).values()]
}
