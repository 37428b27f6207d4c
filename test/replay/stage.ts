/** A topic with messages, and replays of them, in memory. */
import { avroSchema, consumer, event, type Handler, on, type ProcessorOptions, type TombstoneSubscription, topic } from 'spillway'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import type { Logger } from '../../src/consume/handler.ts'
import type { Letter } from '../../src/dlq/letter.ts'
import { Signals } from '../../src/observe/signals.ts'
import { createClient } from '../../src/produce/client.ts'
import { planReplay, type Replayed, type ReplayPlan } from '../../src/replay/plan.ts'
import type { ReplayRequest } from '../../src/replay/request.ts'
import { type RunOptions, runReplay } from '../../src/replay/run.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { registerSchemas } from '../../src/schema/register.ts'
import { subjectOf } from '../../src/schema/subject.ts'

interface Step {
  readonly id: string
  readonly n: number
}

const fields = [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int' },
]
const stepSchema = avroSchema<'it.Step', Step, Step>({
  name: 'it.Step',
  long: 'number',
  avro: { type: 'record', name: 'Step', namespace: 'it', fields },
})
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

export async function stage({ partitions = 2, topics = ['steps'] } = {}) {
  const broker = memoryBroker()
  const registry = memoryRegistry()
  const admin = broker.admin()
  const client = createClient({ producer: broker.producer(), registry, source: 'it' })
  const events = topics.map(name => event(stepSchema, { topic: topic(name, { partitions }), key: 'id' }))
  await admin.createTopics(topics.map(name => ({ name, partitions, replicationFactor: 1, config: {} })))
  await registerSchemas(
    registry,
    events.map(({ topic: { name, subjects }, type, schema }) => ({ subject: subjectOf(name, type, subjects), schema })),
  )
  const signals = new Signals()
  const letters: Letter[] = []
  const processorOf = (handler: Handler<Step>, options: ProcessorOptions = {}, tombstones: TombstoneSubscription[] = []) =>
    consumer('walk', [...events.map(one => on(one, handler)), ...tombstones], options)
  const run = (plan: ReplayPlan, processor: Replayed, options: Partial<RunOptions> = {}) =>
    runReplay(plan, {
      id: 'r1',
      name: 'it',
      processor,
      broker,
      registry,
      signals,
      logger: silent,
      effects: 'suppress',
      onLetter: async letter => void letters.push(letter),
      ...options,
    })
  return {
    broker,
    registry,
    admin,
    client,
    events,
    signals,
    letters,
    processorOf,
    run,
    /** n from `from` to `to`, for each entity in turn. */
    publish: async (ids: readonly string[], from: number, to: number, into = events[0]!) => {
      for (let n = from; n <= to; n++) for (const id of ids) await client.publisher(into).publish({ id, n })
    },
    plan: (processor: Replayed, request: ReplayRequest = {}) => planReplay(admin, processor, { from: 'start', ...request }),
    resumed: (processor: Replayed, key?: string) => planReplay(admin, processor, { resume: 'r1', ...(key && { key }) }),
  }
}
