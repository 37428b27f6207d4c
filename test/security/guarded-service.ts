/** A service whose broker asks who is there, in this process and by the command line. */
import { fileURLToPath } from 'node:url'
import { consumer, on } from 'spillway'
import { inject } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import { brokerOptions, defineService, readConnection } from '../../src/config.ts'
import type { Processor } from '../../src/consume/processor.ts'
import { spawnLeashed } from '../../src/dev/leash.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { Signals } from '../../src/observe/signals.ts'
import { startProcess } from '../../src/process/process.ts'
import { createClient } from '../../src/produce/client.ts'
import { registerSchemas } from '../../src/schema/register.ts'
import { connectRegistry } from '../../src/schema/registry.ts'
import { subjectOf } from '../../src/schema/subject.ts'
import { topicsOf } from '../../src/topic/plan.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { unique } from '../unique.ts'

export type Env = Record<string, string>

/** With the registry of the tests. */
export function around(env: Env): Env {
  return { SCHEMA_REGISTRY_URL: inject('registryUrl'), ...env }
}

export function counting() {
  const handled: number[] = []
  const { opened } = stepsOn({ partitions: 1 })
  const processor = consumer(unique('guarded'), [on(opened, ({ n }) => void handled.push(n))], { retry: { tiers: [] } })
  return { processor, opened, handled }
}

/** What somebody with all rights does beforehand. */
export async function prepare(processor: Processor, address: string): Promise<void> {
  const service = defineService({ name: unique('service'), processors: [processor] })
  const broker = connectKafka({ brokers: [address], clientId: 'it' })
  await broker.admin().createTopics(topicsOf(service).map(topic => ({ ...topic, replicationFactor: 1 })))
  await broker.close()
  const subjects = service.messages.map(({ topic, type, schema }) => ({
    subject: subjectOf(topic.name, type, topic.subjects),
    schema,
  }))
  await registerSchemas(connectRegistry({ url: inject('registryUrl') }), subjects)
}

/** A process of the service and a client, connected as the environment says. */
export function serve(env: Env, processor: Processor) {
  const broker = connectKafka(brokerOptions(readConnection(around(env))))
  const registry = connectRegistry({ url: inject('registryUrl') })
  const signals = new Signals()
  const logger = createLogger({ level: 'silent' })
  let running: Awaited<ReturnType<typeof startProcess>> | undefined
  return {
    signals,
    client: createClient({ producer: broker.producer(), registry, source: 'it' }),
    start: async () => {
      running = await startProcess({ name: 'it', processors: [processor], broker, registry, signals, logger })
    },
    [Symbol.asyncDispose]: async () => {
      await running?.stop()
      await broker.close()
    },
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const config = fileURLToPath(new URL('spillway.config.ts', import.meta.url))

/** The command line as a user has it, for the service of `processor`. */
export async function spillway(
  args: readonly string[],
  env: Env,
  processor: Processor,
  onLine: (line: string, stop: () => void) => void = () => {},
): Promise<{ code: number | null; output: string }> {
  const output: string[] = []
  const settings = JSON.stringify({ group: processor.name, topic: processor.subscriptions[0]!.definition.topic.name })
  const child = await spawnLeashed(process.execPath, [`${root}dist/cli.js`, ...args, '--config', config], {
    env: { ...process.env, ...around(env), IT_GUARDED: settings },
    cwd: root,
    onLine: line => {
      output.push(line)
      onLine(line, () => child.kill('SIGTERM'))
    },
    orphanGraceMs: 0,
    keepsAlive: true,
  })
  const { code } = await child.exited
  return { code, output: output.join('\n') }
}
