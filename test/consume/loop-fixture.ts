import { avroSchema, consumer, event, on, topic } from 'spillway'
import type { AssignedPartition, BrokerRecord, CommittedOffset, GroupConsumer } from '../../src/broker/port.ts'
import type { Admission, Attempted } from '../../src/consume/admission.ts'
import type { Attempt } from '../../src/consume/attempt.ts'
import { Breaker } from '../../src/consume/breaker.ts'
import { type BreakerLimits, breakerSettings } from '../../src/consume/breaker-settings.ts'
import { defaultLimits, type SessionLimits } from '../../src/consume/limits.ts'
import { GroupLoop } from '../../src/consume/loop.ts'
import { Signals } from '../../src/observe/signals.ts'
import type { Failure } from '../../src/topic/trail.ts'
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
  /** Default: none. What is thrown is the fingerprint; '' is foreseen. */
  readonly breaker?: BreakerLimits
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
    breaker: options.breaker && breakerOf(options.breaker, signals, clock),
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

function breakerOf(limits: BreakerLimits, signals: Signals, clock: ManualClock): Breaker {
  const settings = breakerSettings('it', limits)!
  return new Breaker({ group: 'it-group', settings, unexpected, copiesReturnMs: 60_000, signals, clock })
}

/** What is thrown is the fingerprint; '' is foreseen. */
export function unexpected(attempted: Attempted): Failure | undefined {
  if (attempted.kind !== 'threw' || attempted.error === '') return undefined
  return { class: 'Error', message: 'the handler says', stack: '', fingerprint: String(attempted.error) }
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
