import { avroSchema, consumer, event, on, topic } from 'spillway'
import type { AssignedPartition, BrokerRecord, CommittedOffset, GroupConsumer } from '../../src/broker/port.ts'
import type { Admission } from '../../src/consume/admission.ts'
import type { Attempt } from '../../src/consume/attempt.ts'
import { defaultLimits, type SessionLimits } from '../../src/consume/limits.ts'
import { GroupLoop } from '../../src/consume/loop.ts'
import { Signals } from '../../src/observe/signals.ts'
import { ManualClock } from '../manual-clock.ts'
import { admitting } from './admitting.ts'

const Thing = avroSchema<'it.Thing', { id: string }, { id: string }>({
  name: 'it.Thing',
  long: 'number',
  avro: { type: 'record', name: 'Thing', namespace: 'it', fields: [{ name: 'id', type: 'string' }] },
})
export const thing = event(Thing, { topic: topic('it-src', { partitions: 1 }), key: 'id' })

export const runAll = admitting()
export const returned: Attempt = async () => ({ kind: 'returned', type: 'it.Thing', id: 'i', durationMs: 0 })

export interface LoopFixtureOptions {
  readonly attempt?: Attempt
  readonly admission?: Admission
  readonly drainTimeoutMs?: number
  readonly limits?: Partial<SessionLimits>
  readonly concurrency?: number
  readonly commit?: (offsets: readonly CommittedOffset[]) => Promise<void>
}

/** A loop on a consumer that only takes down what it is told, in time that the test moves. */
export function loopFixture(options: LoopFixtureOptions = {}) {
  const clock = new ManualClock(0)
  const signals = new Signals()
  const told: string[] = []
  const commits: (readonly CommittedOffset[])[] = []
  const loop = new GroupLoop({
    processor: consumer('it-group', [on(thing, () => {})], { concurrency: options.concurrency ?? 64 }),
    attempt: options.attempt ?? returned,
    admission: options.admission ?? runAll,
    signals,
    clock,
    drainTimeoutMs: options.drainTimeoutMs ?? 1_000,
    limits: { ...defaultLimits, ...options.limits },
  })
  const consumerPort: GroupConsumer = {
    start: async () => {},
    stop: async () => {},
    commit: async offsets => {
      commits.push(offsets)
      await options.commit?.(offsets)
    },
    pause: ([partition]) => void told.push(`pause ${partition!.topic}`),
    resume: ([partition]) => void told.push(`resume ${partition!.topic}`),
  }
  loop.attach(consumerPort, error => void told.push(`failure ${error}`))
  const take = (...records: BrokerRecord[]) => loop.onRecords(records, async () => {})
  return { loop, clock, signals, told, commits, take }
}

export function assigned(topicName: string): AssignedPartition {
  return { topic: topicName, partition: 0, position: 0n, metadata: '', end: 0n }
}

export function recordOf(topicName: string, offset: number, key = 'k'): BrokerRecord {
  return {
    topic: topicName,
    partition: 0,
    offset: BigInt(offset),
    timestampMs: 1,
    key: Buffer.from(key),
    value: Buffer.from('v'),
    headers: [],
  }
}
