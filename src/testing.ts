/**
 * The test kit: a whole service in memory, with time that the test moves. No broker, no registry, no waiting.
 *
 *   const t = await testService(service)
 *   await t.publisher(orderPlaced).publish({ ... })
 *   await t.advance('1s')                       // a failed order's first retry
 *   expect(await t.letters('customer-spend')).toHaveLength(0)
 *   await t.stop()
 *
 * It runs the engine itself on an in-memory broker that passes the same contract suite as the Kafka adapter. What it cannot show
 * is Kafka: rebalances between processes, lost connections, real latencies.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { memoryBroker } from './broker/memory/broker.ts'
import type { BrokerRecord } from './broker/port.ts'
import { defineService, type Service, type ServiceOptions } from './config.ts'
import type { Clock } from './consume/clock.ts'
import type { Logger } from './consume/handler.ts'
import type { SessionProgress } from './consume/progress.ts'
import { isTombstone } from './dlq/letter.ts'
import { readLetters } from './dlq/read.ts'
import { type Duration, durationMs } from './message/duration.ts'
import { tombstoneType } from './message/tombstone.ts'
import { Signals } from './observe/signals.ts'
import { startProcess } from './process/process.ts'
import { type Client, createClient } from './produce/client.ts'
import { createDecoder } from './schema/decoder.ts'
import { memoryRegistry } from './schema/memory-registry.ts'
import { registerSchemas } from './schema/register.ts'
import { subjectOf } from './schema/subject.ts'
import { topicsOf } from './topic/plan.ts'
import type { Trail } from './topic/trail.ts'

export { memoryBroker } from './broker/memory/broker.ts'
export { type SignalMap, Signals } from './observe/signals.ts'
export { memoryRegistry } from './schema/memory-registry.ts'

export interface TestOptions {
  /** Time at the start. Default 2026-01-01T00:00:00Z. */
  readonly now?: Date
  /** Where handlers log. Default nowhere. */
  readonly logger?: Logger
}

export interface TestLetter {
  readonly type: string
  readonly payload: unknown
  readonly record: BrokerRecord
  readonly trail: Trail | undefined
}

export interface TestService extends Omit<Client, 'close'> {
  readonly signals: Signals
  now(): Date
  /** Resolves when everything that is due has been handled. */
  settled(): Promise<void>
  /** Moves time, running everything that falls due on the way, in its order. */
  advance(by: Duration): Promise<void>
  /** The dead letters of a group, decoded; payload undefined when that is not possible, null of type `tombstone` for one. */
  letters(group: string): Promise<TestLetter[]>
  stop(): Promise<void>
}

/** Rejects like defineService and startProcess do. */
export async function testService(options: Service | ServiceOptions, test: TestOptions = {}): Promise<TestService> {
  const service = 'kind' in options ? options : defineService(options)
  const clock = new MovedClock(test.now?.getTime() ?? Date.UTC(2026, 0, 1))
  const broker = memoryBroker({ clock: () => clock.now() })
  const registry = memoryRegistry()
  const signals = new Signals()
  await broker.admin().createTopics(topicsOf(service).map(topic => ({ ...topic, replicationFactor: 1 })))
  await registerSchemas(
    registry,
    service.messages.map(({ topic, type, schema }) => ({ subject: subjectOf(topic.name, type, topic.subjects), schema })),
  )
  const { processors, name } = service
  const running = await startProcess({ name, processors, broker, registry, signals, logger: test.logger ?? silent, clock })
  const client = createClient({ producer: broker.producer(), registry, source: name, now: () => clock.now() })
  const settled = (): Promise<void> =>
    settle(async () => [...running.progress().values()].every(isQuiet) && (await allRead(broker, running)))
  return {
    publisher: client.publisher,
    scheduler: client.scheduler,
    signals,
    now: () => new Date(clock.now()),
    settled,
    advance: async by => {
      const untilMs = clock.now() + durationMs(by)
      for (await settled(); clock.runNext(untilMs); ) await settled()
    },
    letters: group => lettersOf(group, broker, registry),
    stop: async () => {
      await running.stop()
      await client.close()
    },
  }
}

/** Nothing runs, nor could before time is moved. */
function isQuiet(progress: SessionProgress | undefined): boolean {
  return progress !== undefined && progress.queued === progress.held
}

async function allRead(
  broker: ReturnType<typeof memoryBroker>,
  running: {
    progress(): ReadonlyMap<string, { partitions: readonly { topic: string; partition: number; position: bigint }[] } | undefined>
  },
): Promise<boolean> {
  const admin = broker.admin()
  for (const progress of running.progress().values()) {
    for (const { topic, partition, position } of progress?.partitions ?? []) {
      const bounds = (await admin.bounds(topic)).find(one => one.partition === partition)
      if (bounds && position < bounds.high) return false
    }
  }
  return true
}

/** Twice in a row, with turns of the event loop between: a handler that has just returned may have sent something. */
async function settle(isQuiet: () => Promise<boolean>): Promise<void> {
  for (let quietTurns = 0; quietTurns < 3; ) {
    await turnOfTheLoop()
    quietTurns = (await isQuiet()) ? quietTurns + 1 : 0
  }
}

async function lettersOf(
  group: string,
  broker: ReturnType<typeof memoryBroker>,
  registry: ReturnType<typeof memoryRegistry>,
): Promise<TestLetter[]> {
  const decoder = createDecoder(registry, [])
  const letters: TestLetter[] = []
  await readLetters({ reader: broker.reader(), admin: broker.admin(), group }, async letter => {
    const { record, trail } = letter
    if (isTombstone(letter)) {
      letters.push({ type: tombstoneType, payload: null, record, trail })
      return
    }
    const decoded = record.value ? await decoder.decodeAny(record.value).catch(() => undefined) : undefined
    letters.push({ type: decoded?.type ?? '', payload: decoded?.payload, record, trail })
  })
  return letters
}

/** Time that stands still until the test moves it. */
class MovedClock implements Clock {
  #nowMs: number
  #timers: { atMs: number; callback: () => void }[] = []

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  setTimer(callback: () => void, delayMs: number): unknown {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return timer
  }

  clearTimer(timer: unknown): void {
    this.#timers = this.#timers.filter(one => one !== timer)
  }

  /** Moves to the next timer that is due by `untilMs` and runs it; else to `untilMs`, and answers false. */
  runNext(untilMs: number): boolean {
    const next = this.#timers.reduce<{ atMs: number; callback: () => void } | undefined>(
      (best, timer) => (best && best.atMs <= timer.atMs ? best : timer),
      undefined,
    )
    if (!next || next.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs)
      return false
    }
    this.clearTimer(next)
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.callback()
    return true
  }
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
