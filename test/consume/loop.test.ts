import { consumer, on } from 'spillway'
import { describe, expect, it } from 'vitest'
import type { Admission, Attempted } from '../../src/consume/admission.ts'
import { createAttempt } from '../../src/consume/attempt.ts'
import { AssignmentLost, BrokerUnavailable } from '../../src/errors.ts'
import { Signals } from '../../src/observe/signals.ts'
import type { Decoded } from '../../src/schema/decoder.ts'
import { until } from '../until.ts'
import { admitting } from './admitting.ts'
import { assigned, loopFixture, recordOf, returned, thing } from './loop-fixture.ts'

const soon = { withinMs: 1_000 }
const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

/** Settles by `work`, as the ladder writes a copy. */
function persisting(work: (key: string) => Promise<unknown>): Admission {
  return admitting({
    settle: async (delivery, _attempted, session) => {
      await session.persist(
        delivery.record,
        () => 'produce',
        () => work(String(delivery.record.key)),
      )
    },
  })
}

describe('an assignment that is over', () => {
  it.each(['before', 'after'])('commits nothing that it gave up, though the broker told %s that all was read', async when => {
    const running = Promise.withResolvers<void>()
    const { loop, commits, take } = loopFixture({
      attempt: (...about) => running.promise.then(() => returned(...about)),
      limits: { partitionWindow: { records: 1, bytes: 1_000 }, maxQueuedRecords: when === 'before' ? 100 : 0 },
    })
    const tellAllRead = () => loop.onPosition({ topic: 'it-src', partition: 0 }, 2n, 2n)
    await loop.onAssigned([assigned('it-src')])
    // The second one is beyond the window; with the queue full as well, only the drain lets go of them.
    const taken = take(recordOf('it-src', 0, 'a'), recordOf('it-src', 1, 'b'))
    if (when === 'before') tellAllRead()
    const revoked = loop.onRevoking()
    await taken
    if (when === 'after') tellAllRead()
    running.resolve()
    await revoked
    expect(commits.map(([first]) => first)).toMatchObject([{ offset: 1n, metadata: '' }])
  })

  it('begins and commits nothing once a commit was refused for it, and lets finish what runs', async () => {
    const gates: Record<string, PromiseWithResolvers<void>> = { b: Promise.withResolvers(), c: Promise.withResolvers() }
    const begun: string[] = []
    const { loop, commits, take, clock } = loopFixture({
      concurrency: 2,
      attempt: async (delivery, scope) => {
        const key = String(delivery.record.key)
        begun.push(key)
        await gates[key]?.promise
        return returned(delivery, scope)
      },
      commit: () => Promise.reject(new AssignmentLost('the group has moved on')),
    })
    await loop.onAssigned([assigned('it-src')])
    await take(...['a', 'b', 'c', 'd'].map((key, i) => recordOf('it-src', i, key)))
    await turns()
    clock.advanceTo(200)
    await turns()
    gates.b!.resolve()
    await take(recordOf('it-src', 4, 'e'))
    loop.onPosition({ topic: 'it-src', partition: 0 }, 5n, 5n)
    clock.advanceTo(400)
    await turns()
    let isDrained = false
    const revoked = loop.onRevoking().then(() => {
      isDrained = true
    })
    await turns()
    expect(isDrained).toBe(false)
    gates.c!.resolve()
    await revoked
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(commits).toHaveLength(1)
  })

  it('settles nothing that ends only now: its record is read again, and runs elsewhere', async () => {
    const late = Promise.withResolvers<void>()
    const settled: Attempted[] = []
    const { loop, told, take } = loopFixture({
      attempt: (...about) => late.promise.then(() => returned(...about)),
      admission: admitting({ settle: async (_delivery, attempted) => void settled.push(attempted) }),
    })
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    loop.abandon()
    late.resolve()
    await turns()
    expect([settled, told]).toEqual([[], []])
  })

  it('does not touch what the next one has paused', async () => {
    const late = Promise.withResolvers<never>()
    const { loop, told, take, clock } = loopFixture({
      drainTimeoutMs: 50,
      limits: { partitionWindow: { records: 2, bytes: 1_000 } },
      admission: persisting(key => (key === 'bad' ? late.promise : new Promise(() => {}))),
    })
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0, 'bad'))
    const revoked = loop.onRevoking()
    clock.advanceTo(50)
    await revoked
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0, 'a'), recordOf('it-src', 1, 'b'))
    late.reject(new Error('too late'))
    await turns()
    expect(told).toEqual(['pause it-src'])
  })

  it('starts no handler any more, though the schema comes only now', async () => {
    const decoding = Promise.withResolvers<Decoded>()
    let runs = 0
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger }
    const attempt = createAttempt({
      processor: consumer('it-group', [on(thing, () => void runs++)]),
      signals: new Signals(),
      logger,
      outbound: () => expect.unreachable(),
      decoder: { decode: () => decoding.promise, preparing: () => undefined, decodeAny: () => expect.unreachable() },
    })
    const { loop, take } = loopFixture({ attempt })
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    loop.abandon()
    decoding.resolve({ kind: 'message', schemaId: 1, type: 'it.Thing', payload: { id: 'x' } })
    await turns()
    expect(runs).toBe(0)
  })

  it('leaves the commit timer of the next one alone when its own drain ends late', async () => {
    const hung = Promise.withResolvers<void>()
    const { loop, commits, take, clock } = loopFixture({
      drainTimeoutMs: 20,
      commit: () => (commits.length === 1 ? hung.promise : Promise.resolve()),
    })
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    await turns()
    clock.advanceTo(200)
    await until(() => commits.length === 1, { ...soon, what: 'the commit that hangs' })
    const revoked = loop.onRevoking()
    await turns()
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    hung.resolve()
    await revoked
    clock.advanceTo(1_000)
    await until(() => commits.length === 2, { ...soon, what: 'the commit of the new assignment' })
  })
})

describe('a record that cannot be settled', () => {
  it('gives its place to records of other partitions, and keeps its own paused until it is settled', async () => {
    let isOut = true
    const ran: string[] = []
    const { loop, told, take, clock } = loopFixture({
      concurrency: 1,
      attempt: async ({ record }): Promise<Attempted> => {
        ran.push(record.topic)
        return { kind: 'returned', type: '', id: '', durationMs: 0 }
      },
      admission: persisting(async key => {
        if (key === 'bad' && isOut) throw new Error('no broker')
      }),
    })
    await loop.onAssigned([assigned('it-src'), assigned('it-other')])
    await take(recordOf('it-src', 0, 'bad'))
    await take(recordOf('it-other', 0, 'good'))
    await until(() => ran.includes('it-other'), { ...soon, what: 'the other partition' })
    for (let ms = 200; ms < 5_000; ms += 200) {
      clock.advanceTo(ms)
      await turns()
      expect(told).toEqual(['pause it-src'])
    }
    isOut = false
    clock.advanceTo(60_000)
    await until(() => told.length === 2, { ...soon, what: 'the partition is resumed' })
    expect(told).toEqual(['pause it-src', 'resume it-src'])
  })
})

describe.each(['settle', 'move'] as const)('a record whose copy is not acknowledged yet: %s', step => {
  it('is not committed', async () => {
    const copied = Promise.withResolvers<void>()
    const { loop, commits, take, clock } = loopFixture({
      admission: admitting({
        turn: () => (step === 'move' ? { kind: 'move', move: () => copied.promise } : { kind: 'run' }),
        settle: () => copied.promise,
      }),
    })
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    for (const ms of [200, 400]) {
      await turns()
      clock.advanceTo(ms)
    }
    await turns()
    expect(commits).toEqual([])
    copied.resolve()
    await turns()
    clock.advanceTo(600)
    await until(() => commits.length === 1, { ...soon, what: 'the commit' })
    expect(commits[0]).toMatchObject([{ offset: 1n }])
  })
})

describe("an outage that a handler's own error tells of", () => {
  it('holds its partition without using an attempt, but not for ever', async () => {
    const settled: Attempted[] = []
    const reasons = new Set<string>()
    let tries = 0
    const { loop, signals, take, clock } = loopFixture({
      attempt: async (): Promise<Attempted> => {
        tries++
        return { kind: 'threw', type: 'it.Thing', id: 'i', error: new BrokerUnavailable('a cluster of its own') }
      },
      admission: admitting({ settle: async (_delivery, attempted) => void settled.push(attempted) }),
    })
    signals.on('partition.blocked', ({ reason }) => reasons.add(reason))
    await loop.onAssigned([assigned('it-src')])
    await take(recordOf('it-src', 0))
    for (let ms = 0; ms < 299_000; ms += 1_000) {
      clock.advanceTo(ms)
      await turns()
    }
    expect(settled).toEqual([])
    expect(tries).toBeGreaterThan(20)
    clock.advanceTo(320_000)
    await until(() => settled.length === 1, { ...soon, what: 'the failure goes up the ladder' })
    expect([...reasons]).toEqual(['broker'])
  })
})

describe('what is finished above the prefix', () => {
  it('is told by the commit, and not run again by the assignment that begins there', async () => {
    const ran: string[] = []
    const { loop, commits, take, clock } = loopFixture({
      attempt: (delivery, scope) => {
        ran.push(String(delivery.record.key))
        return ran.length === 1 ? new Promise(() => {}) : returned(delivery, scope)
      },
    })
    const fetched = ['slow', 'a', 'b'].map((key, i) => recordOf('it-src', i, key))
    await loop.onAssigned([assigned('it-src')])
    await take(...fetched)
    await turns()
    clock.advanceTo(200)
    await until(() => commits.length === 1, { ...soon, what: 'the commit' })
    loop.abandon()
    const { offset, metadata } = commits[0]![0]!
    await loop.onAssigned([{ ...assigned('it-src'), position: offset, metadata }])
    await take(...fetched)
    await turns()
    expect(ran).toEqual(['slow', 'a', 'b', 'slow'])
  })
})

describe('while more is queued than may be', () => {
  it('no more is taken, and the membership is kept', async () => {
    const gate = Promise.withResolvers<void>()
    const { loop, clock } = loopFixture({
      concurrency: 1,
      limits: { maxQueuedRecords: 1 },
      attempt: (...about) => gate.promise.then(() => returned(...about)),
    })
    let beats = 0
    let isTaken = false
    await loop.onAssigned([assigned('it-src')])
    const records = ['a', 'b', 'c'].map((key, i) => recordOf('it-src', i, key))
    const taken = loop
      .onRecords(records, async () => void beats++)
      .then(() => {
        isTaken = true
      })
    for (const ms of [1_000, 2_000]) {
      await turns()
      clock.advanceTo(ms)
    }
    await turns()
    expect([isTaken, beats]).toEqual([false, 2])
    gate.resolve()
    await taken
  })
})
