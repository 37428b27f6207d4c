import { avroSchema, consumer, event, on, topic } from 'spillway'
import { expect, it } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { createAttempt } from '../../src/consume/attempt.ts'
import { GroupLoop } from '../../src/consume/loop.ts'
import { Signals } from '../../src/observe/signals.ts'
import { createDecoder } from '../../src/schema/decoder.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { admitting } from './admitting.ts'

const Thing = avroSchema<'it.Thing', { id: string }, { id: string }>({
  name: 'it.Thing',
  long: 'number',
  avro: { type: 'record', name: 'Thing', namespace: 'it', fields: [{ name: 'id', type: 'string' }] },
})
const thing = event(Thing, { topic: topic('it-things', { partitions: 1 }), key: 'id' })
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }

it('a bug of ours is told, and nothing is committed past the record that it hit', async () => {
  const broker = memoryBroker()
  const admin = broker.admin()
  await admin.createTopics([{ name: 'it-things', partitions: 1, replicationFactor: 1, config: {} }])
  const processor = consumer('it-group', [on(thing, () => {})])
  const signals = new Signals()
  const outbound = () => expect.unreachable()
  const loop = new GroupLoop({
    processor,
    attempt: createAttempt({ processor, decoder: createDecoder(memoryRegistry(), []), outbound, logger: log, signals }),
    admission: admitting({
      settle: async () => {
        throw new TypeError('a bug in settle')
      },
    }),
    signals,
    drainTimeoutMs: 1_000,
  })
  const group = { group: 'it-group', topics: ['it-things'], startAtEnd: [], rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 5_000 }
  const assigner = { name: 'all', assign: () => new Map([['member-0001', [{ topic: 'it-things', partition: 0 }]]]) }
  const stopped: unknown[] = []
  const failure = new Promise<unknown>(resolve => {
    const consumer = broker.consumer({
      ...group,
      assigner,
      onAssigned: partitions => loop.onAssigned(partitions),
      onRecords: (records, heartbeat) => loop.onRecords(records, heartbeat),
      onPosition: (partition, position, end) => loop.onPosition(partition, position, end),
      onRevoking: () => loop.onRevoking(),
      onReset: reset => loop.onReset(reset),
      onCrash: error => stopped.push(error),
    })
    loop.attach(consumer, error => {
      loop.abandon()
      resolve(error)
    })
    void consumer.start()
  })
  const record = { topic: 'it-things', partition: 0, key: Buffer.from('k'), value: Buffer.from([9]), headers: [] }
  await broker.producer().sendBatch('it-things', 0, [record])
  expect(await failure).toMatchObject({ message: 'a bug in settle' })
  expect(loop.progress()).toBeUndefined()
  expect((await admin.committed('it-group', ['it-things'])).map(({ offset }) => offset)).toEqual([-1n])
  expect(stopped).toEqual([])
})
