/**
 * One partition number of a cluster and a process that consumes it, with the real loop, lanes, ledger and admission. Whatever takes
 * time there (a fetch, a handler, an acknowledgement, a commit) happens here when a test says so, in any order, or never.
 */
import { consumer, on } from 'spillway'
import type { AssignedPartition, BrokerRecord, CommittedOffset, OutgoingRecord, RecordPosition } from '../../src/broker/port.ts'
import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import { deliveries } from '../../src/consume/delivery.ts'
import { contains, decodeFinished } from '../../src/consume/finished.ts'
import { defaultRecordLimits } from '../../src/consume/guard.ts'
import { defaultLimits } from '../../src/consume/limits.ts'
import { GroupLoop } from '../../src/consume/loop.ts'
import { retryPolicy } from '../../src/consume/retry-policy.ts'
import type { Headers } from '../../src/message/headers.ts'
import { Signals } from '../../src/observe/signals.ts'
import { OrderedAdmission } from '../../src/retry/ordered-admission.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { readTrail, withTrail } from '../../src/topic/trail.ts'
import { thing } from '../consume/loop-fixture.ts'
import { ManualClock } from '../manual-clock.ts'
import { History } from './order-history.ts'

export interface WorldOptions {
  readonly tiers?: readonly `${number}${'s' | 'm'}`[]
  readonly onExhausted?: 'continue' | 'block'
  /** Of every partition, in records and bytes. */
  readonly window?: number
  readonly windowBytes?: number
}

export interface Published {
  readonly headers?: Headers
  readonly bytes?: number
  readonly timestampMs?: number
}

export interface PendingAttempt {
  readonly delivery: Delivery
  readonly end: (attempted: Attempted) => void
}

export interface PendingSend {
  readonly record: OutgoingRecord
  /** `landed`: it lies in the log, whatever is answered. */
  readonly answer: (how: 'acknowledged' | 'lost-answer' | 'refused') => void
}

const at = 0
const group = 'g'
const sources = ['a', 'b']
const immediate = `${group}.retry.0s`
const dlq = `${group}.dlq`

export class World {
  readonly clock = new ManualClock(1_000_000)
  readonly history = new History()
  /** A hole is a marker of a transaction: an offset without a record. */
  readonly logs = new Map<string, (BrokerRecord | undefined)[]>()
  attempts: PendingAttempt[] = []
  sends: PendingSend[] = []
  commits: { readonly offsets: readonly CommittedOffset[]; readonly answer: (ok: boolean) => void }[] = []
  readonly #committed = new Map<string, CommittedOffset>()
  readonly #positions = new Map<string, number>()
  readonly #paused = new Set<string>()
  readonly #options: Required<WorldOptions>
  #tiers: readonly `${number}${'s' | 'm'}`[]
  #loop!: GroupLoop
  /** Counts processes: what belongs to one that is dead is ignored. */
  #life = 0

  constructor({ tiers = ['1s', '30s'], onExhausted = 'continue', window = 4, windowBytes = 1_000_000 }: WorldOptions = {}) {
    this.#options = { tiers, onExhausted, window, windowBytes }
    this.#tiers = tiers
    for (const topic of [...sources, dlq, immediate, ...ladderOf(group, tiers).tiers.map(tier => tier.topic)])
      this.logs.set(topic, [])
  }

  get topics(): string[] {
    return [...this.logs.keys()].filter(topic => topic !== dlq)
  }

  /** Topics that another member of the group has. */
  readonly foreign = new Set<string>()
  /** What a dead process has sent and the broker has not taken yet. */
  late: OutgoingRecord[] = []

  publish(topic: string, key: string, { headers = [], bytes = 1, timestampMs = this.clock.now() }: Published = {}): void {
    const offset = this.#append({ topic, partition: at, key: Buffer.from(key), value: Buffer.alloc(bytes), headers, timestampMs })
    this.history.published(topic, offset, key)
  }

  /** As if all before it had been handled in an earlier life. */
  commit(topic: string, offset: number): void {
    this.#committed.set(topic, { topic, partition: at, offset: BigInt(offset), metadata: '' })
  }

  land(record: OutgoingRecord): void {
    this.#append(record)
  }

  marker(topic: string): void {
    this.logs.get(topic)!.push(undefined)
  }

  /** The source is deleted and made anew, without a record; what waits elsewhere goes on. */
  remake(topic: string): void {
    this.logs.set(topic, [])
    this.#committed.delete(topic)
  }

  /** Attempts that wait for their end, as topic and offset of the message. */
  get running(): string[] {
    return this.attempts.map(({ delivery: { origin } }) => `${origin.topic}${origin.offset}`).sort()
  }

  /** Fetches all there is, and lets time pass for nobody. */
  async fetchAll(): Promise<void> {
    for (const topic of this.topics) while (this.canFetch(topic)) await this.fetch(topic, 3)
    await this.turn()
  }

  async end(message: string, attempted: Attempted): Promise<void> {
    const at = this.attempts.findIndex(({ delivery: { origin } }) => `${origin.topic}${origin.offset}` === message)
    if (at < 0) throw new Error(`${message} does not run, but ${this.running}`)
    this.attempts.splice(at, 1)[0]!.end(attempted)
    await this.turn()
  }

  async acknowledge(): Promise<void> {
    while (this.sends.length > 0) {
      for (const send of this.sends.splice(0)) send.answer('acknowledged')
      await this.turn()
    }
  }

  /** A process begins, or after a drain goes on. The tiers given are those it is configured with; the topics are all there are. */
  async start(tiers = this.#tiers): Promise<void> {
    this.#tiers = tiers
    this.#life++
    this.#loop = this.#process(this.#life)
    await this.#assign()
  }

  canFetch(topic: string): boolean {
    return (
      !this.foreign.has(topic) && !this.#paused.has(topic) && (this.#positions.get(topic) ?? 0) < this.logs.get(topic)!.length
    )
  }

  async fetch(topic: string, count: number): Promise<void> {
    const from = this.#positions.get(topic)!
    const log = this.logs.get(topic)!
    const fetched = log.slice(from, from + count)
    this.#positions.set(topic, from + fetched.length)
    const records = fetched.filter(record => record !== undefined)
    if (records.length > 0) void this.#loop.onRecords(records, async () => {})
    this.#loop.onPosition({ topic, partition: at }, BigInt(from + fetched.length), BigInt(log.length))
    await this.turn()
  }

  /** SIGKILL: what was on the wire has arrived or not, or will arrive in the time of the next process; a commit is applied or not. */
  async crash(landed: (send: PendingSend) => boolean | 'late', applied: () => boolean, tiers = this.#tiers): Promise<void> {
    this.#loop.abandon()
    for (const send of this.sends.splice(0)) {
      const how = landed(send)
      if (how === 'late') this.late.push(send.record)
      else if (how) this.#append(send.record)
    }
    for (const { offsets } of this.commits.splice(0)) if (applied()) this.#apply(offsets)
    this.attempts = []
    this.history.crashed(place => this.#isCommitted(place))
    await this.start(tiers)
  }

  /** A rebalance: what runs is finished, as `end` says, and all is committed before the next assignment. */
  async rebalance(end: (attempt: PendingAttempt) => void): Promise<void> {
    this.history.rebalances++
    let isDrained = false
    const drained = this.#loop.onRevoking().then(() => {
      isDrained = true
    })
    for (let i = 0; !isDrained && i < 1_000; i++) {
      for (const attempt of this.attempts.splice(0)) end(attempt)
      for (const send of this.sends.splice(0)) send.answer('acknowledged')
      for (const commit of this.commits.splice(0)) commit.answer(true)
      await this.turn()
    }
    await drained
    await this.#assign()
  }

  /** Puts a letter back, as a redrive does. */
  redrive(index: number, redriveId: string): void {
    const letter = this.logs.get(dlq)![index]!
    const { disposition: _, failure: _failure, firstFailedAtMs: _at, ...trail } = readTrail(letter.headers)!
    const headers = withTrail(letter.headers, { ...trail, attempt: 0, hop: 0, redriveId, redriveCount: 1 })
    this.#append({ ...letter, topic: immediate, headers })
    this.history.redriven(trail.origin)
  }

  parked() {
    return this.#loop.progress()!.parked()
  }

  get letters(): number {
    return this.logs.get(dlq)!.length
  }

  async pass(ms: number): Promise<void> {
    this.clock.advanceTo(this.clock.now() + ms)
    await this.turn()
  }

  async turn(): Promise<void> {
    await new Promise<void>(resolve => setImmediate(resolve))
  }

  /** Nothing fails any more. Gives what is still not finished when it should be. */
  async complete(): Promise<string[]> {
    for (const record of this.late.splice(0)) this.#append(record)
    for (let i = 0; i < 2_000; i++) {
      for (const attempt of this.attempts.splice(0)) attempt.end(returned)
      for (const send of this.sends.splice(0)) send.answer('acknowledged')
      for (const commit of this.commits.splice(0)) commit.answer(true)
      await this.turn()
      for (const topic of this.topics) if (this.canFetch(topic)) await this.fetch(topic, 3)
      if (this.#unfinished().length === 0) return []
      if (this.attempts.length + this.sends.length + this.commits.length === 0) await this.pass(500)
    }
    return this.#unfinished()
  }

  /** Committed, and no copy is outstanding. */
  #unfinished(): string[] {
    return this.topics.filter(topic => Number(this.#committed.get(topic)?.offset ?? 0) < this.logs.get(topic)!.length)
  }

  #isCommitted({ topic, offset }: { readonly topic: string; readonly offset: bigint }): boolean {
    const committed = this.#committed.get(topic)
    if (!committed) return false
    return offset < committed.offset || contains(decodeFinished(committed.offset, committed.metadata), offset)
  }

  async #assign(): Promise<void> {
    this.#paused.clear()
    const assigned = this.topics
      .filter(topic => !this.foreign.has(topic))
      .map((topic): AssignedPartition => {
        const { offset = 0n, metadata = '' } = this.#committed.get(topic) ?? {}
        this.#positions.set(topic, Number(offset))
        return { topic, partition: at, position: offset, metadata, end: BigInt(this.logs.get(topic)!.length) }
      })
    await this.#loop.onAssigned(assigned)
    await this.turn()
  }

  #append(record: OutgoingRecord): bigint {
    const log = this.logs.get(record.topic)!
    const offset = BigInt(log.length)
    const { topic, partition, key, value, headers, timestampMs = this.clock.now() } = record
    log.push({ topic, partition, key, value, headers, offset, timestampMs })
    if (record.topic === dlq) this.history.buried(readTrail(record.headers)!)
    return offset
  }

  #apply(offsets: readonly CommittedOffset[]): void {
    for (const one of offsets) this.#committed.set(one.topic, one)
  }

  #process(life: number): GroupLoop {
    const { clock } = this
    const signals = new Signals()
    signals.on('message.followed', ({ origin }) => this.history.followed(origin))
    signals.on('message.retried', ({ origin }) => this.history.moved(origin))
    signals.on('message.delayed', ({ origin }) => this.history.moved(origin))
    signals.on('message.skipped', ({ origin }) => this.history.skipped(origin))
    const deliver = deliveries(new Set(sources), defaultRecordLimits)
    const retry = retryPolicy('it', { onExhausted: this.#options.onExhausted }, 'key')
    const isSource = (topic: string) => sources.includes(topic)
    const sender = { send: (record: OutgoingRecord) => this.#send(record, life) }
    const ladder = ladderOf(group, this.#tiers)
    const loop = new GroupLoop({
      processor: { ...consumer(group, [on(thing, () => {})], { concurrency: 3 }), subscriptions: subscriptionsOf(sources) },
      attempt: delivery => this.#attempt(delivery, life),
      admission: new OrderedAdmission({
        ladder,
        retry,
        sender,
        signals,
        clock,
        deliver,
        isSource,
        tiers: async () => this.#existingTiers(),
        reader: () => this.#reader(),
      }),
      signals,
      clock,
      drainTimeoutMs: 1_000,
      limits: { ...defaultLimits, partitionWindow: { records: this.#options.window, bytes: this.#options.windowBytes } },
    })
    loop.attach(
      {
        start: async () => {},
        stop: async () => {},
        commit: offsets => this.#commit(offsets, life),
        pause: partitions => this.#setPaused(partitions, true, life),
        resume: partitions => this.#setPaused(partitions, false, life),
      },
      error => {
        throw error
      },
    )
    return loop
  }

  #existingTiers(): Map<string, number> {
    return new Map(this.topics.filter(topic => !sources.includes(topic)).map(topic => [topic, 1]))
  }

  #setPaused(partitions: readonly { readonly topic: string }[], paused: boolean, life: number): void {
    if (life !== this.#life) return
    for (const { topic } of partitions) this.#paused[paused ? 'add' : 'delete'](topic)
  }

  #attempt(delivery: Delivery, life: number): Promise<Attempted> {
    this.history.began(delivery, this.clock.now())
    return new Promise(resolve => {
      const end = (attempted: Attempted): void => {
        if (life !== this.#life) return
        if (attempted.kind === 'returned') this.history.succeeded(delivery)
        else this.history.failed(delivery)
        resolve(attempted)
      }
      this.attempts.push({ delivery, end })
    })
  }

  #send(record: OutgoingRecord, life: number): Promise<RecordPosition> {
    return new Promise((resolve, reject) => {
      const answer: PendingSend['answer'] = how => {
        if (life !== this.#life) return
        const offset = how === 'refused' ? undefined : this.#append(record)
        if (how === 'acknowledged') resolve({ topic: record.topic, partition: at, offset: offset! })
        else reject(new Error(how))
      }
      this.sends.push({ record, answer })
    })
  }

  #commit(offsets: readonly CommittedOffset[], life: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const answer = (ok: boolean): void => {
        if (life !== this.#life) return
        if (ok) this.#apply(offsets)
        ok ? resolve() : reject(new Error('no commit'))
      }
      this.commits.push({ offsets, answer })
    })
  }

  #reader() {
    return {
      read: async (
        { topic, from, to }: { topic: string; from: bigint; to: bigint },
        onRecord: (record: BrokerRecord) => void,
      ) => {
        await this.turn()
        for (const record of this.logs.get(topic)!.slice(Number(from), Number(to))) if (record) onRecord(record)
      },
      close: async () => {},
    }
  }
}

export const returned: Attempted = { kind: 'returned', type: 'it.Thing', id: 'i', durationMs: 0 }

function subscriptionsOf(topics: readonly string[]) {
  return topics.map(name => ({ definition: { ...thing, topic: { ...thing.topic, name } }, handler: () => {} }))
}
