import { describe, expect, it } from 'vitest'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import type { Attempted, Delivery, Session } from '../../src/consume/admission.ts'
import { DeadLetter, RetryLater, Skip } from '../../src/consume/outcome.ts'
import { RecordRefused, RecordTooLarge, UnknownSchemaId } from '../../src/errors.ts'
import { type Headers, textHeader } from '../../src/message/headers.ts'
import { Signals } from '../../src/observe/signals.ts'
import { LadderAdmission } from '../../src/retry/ladder-admission.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { readTrail } from '../../src/topic/trail.ts'
import { ManualClock } from '../manual-clock.ts'

const start = 1_000_000
const foreign: Headers = [textHeader('ce_id', 'm-1'), ['dup', Buffer.from([1])], ['dup', null], ['__proto__', Buffer.from('x')]]

function setUp(send: (record: OutgoingRecord) => Promise<void> = async () => {}) {
  const clock = new ManualClock(start)
  const sent: OutgoingRecord[] = []
  const signals = new Signals()
  const sender = {
    send: async (record: OutgoingRecord) => {
      await send(record)
      sent.push(record)
      return { topic: record.topic, partition: record.partition, offset: 0n }
    },
  }
  const admission = new LadderAdmission({ ladder: ladderOf('g', ['1s', '5s', '1m']), sender, signals, clock })
  const draining = new AbortController()
  const blocked: string[] = []
  const session: Session = {
    draining: draining.signal,
    block: (_, reason) => blocked.push(reason),
    unblock: () => blocked.push('unblocked'),
  }
  return { clock, sent, signals, admission, session, draining, blocked }
}

function source(headers: Headers = foreign): Delivery {
  const record = {
    topic: 'orders',
    partition: 3,
    offset: 17n,
    timestampMs: 5,
    key: Buffer.from('k'),
    value: Buffer.from([0, 1, 2]),
    headers,
  }
  return { record, origin: { topic: 'orders', partition: 3, offset: 17n, timestampMs: 5 }, attempt: 1 }
}

/** What the loop makes of a copy when it is fetched. */
function fetched(copy: OutgoingRecord): Delivery {
  const trail = readTrail(copy.headers)!
  return { record: { ...copy, offset: 0n, timestampMs: start }, origin: trail.origin, trail, attempt: trail.attempt + 1 }
}

const threw = (error: unknown): Attempted => ({ kind: 'threw', type: 'T', id: 'm-1', error })

describe('the ladder', () => {
  it('moves a failing record up, tier by tier, and then to the DLQ, bytes and headers untouched', async () => {
    const { admission, sent, session, clock } = setUp()
    let delivery = source()
    for (const [topic, dueInMs] of [
      ['g.retry.1s', 1_000],
      ['g.retry.5s', 5_000],
      ['g.retry.1m', 60_000],
    ] as const) {
      await admission.settle(delivery, threw(new Error(`no ${delivery.attempt}`)), session)
      const copy = sent.at(-1)!
      expect(copy).toMatchObject({ topic, partition: 3, key: delivery.record.key, value: delivery.record.value })
      expect(copy.headers.slice(0, foreign.length)).toEqual(foreign)
      const next = fetched(copy)
      expect(next.trail).toMatchObject({
        attempt: delivery.attempt,
        dueAtMs: clock.now() + dueInMs,
        origin: source().origin,
        firstFailedAtMs: start,
        hop: delivery.attempt,
      })
      expect(admission.admit(next)).toEqual({ kind: 'wait', untilMs: clock.now() + dueInMs })
      clock.advanceTo(clock.now() + dueInMs)
      expect(admission.admit(next)).toEqual({ kind: 'run' })
      delivery = next
    }
    await admission.settle(delivery, threw(new Error('no 4')), session)
    expect(sent.at(-1)).toMatchObject({ topic: 'g.dlq', partition: 3, value: source().record.value })
    expect(readTrail(sent.at(-1)!.headers)).toMatchObject({
      disposition: 'exhausted',
      attempt: 4,
      failure: { message: 'no 4' },
      firstFailedAtMs: start,
    })
    expect(readTrail(sent.at(-1)!.headers)).not.toHaveProperty('dueAtMs')
  })

  it.each([
    ['a rejection', threw(new DeadLetter('no')), 'rejected'],
    ['undecodable bytes', { kind: 'undecodable', error: new Error('magic') }, 'undecodable'],
    ['an unhandled type, where asked for', { kind: 'unhandled', type: 'X', id: '', deadLetter: true }, 'unhandled'],
  ] as [string, Attempted, string][])('buries %s at once', async (_, attempted, disposition) => {
    const { admission, sent, session } = setUp()
    await admission.settle(source(), attempted, session)
    expect(sent.map(({ topic }) => topic)).toEqual(['g.dlq'])
    expect(readTrail(sent[0]!.headers)).toMatchObject({ disposition, attempt: 1 })
  })

  it('lets an unknown schema id climb the whole ladder and then calls it undecodable', async () => {
    const { admission, sent, session } = setUp()
    let delivery = source()
    for (let tries = 0; tries < 4; tries++) {
      await admission.settle(delivery, threw(new UnknownSchemaId('no schema 7')), session)
      delivery = fetched(sent.at(-1)!)
    }
    expect(sent.map(({ topic }) => topic)).toEqual(['g.retry.1s', 'g.retry.5s', 'g.retry.1m', 'g.dlq'])
    expect(readTrail(sent.at(-1)!.headers)).toMatchObject({ disposition: 'undecodable' })
  })

  it.each([new Skip('not ours'), { kind: 'unhandled' as const }])('writes nothing for what is skipped', async thing => {
    const { admission, sent, session, signals } = setUp()
    const reasons: string[] = []
    signals.on('message.skipped', ({ reason }) => reasons.push(reason))
    await admission.settle(
      source(),
      thing instanceof Error ? threw(thing) : { kind: 'unhandled', type: 'X', id: '', deadLetter: false },
      session,
    )
    expect(sent).toEqual([])
    expect(reasons).toEqual([thing instanceof Error ? 'requested' : 'unhandled'])
  })

  it('takes whatever is thrown', async () => {
    const hostile = Object.freeze(Object.assign(new Error('x'), { retriable: false }))
    const unreadable = {
      get code() {
        throw new Error('trap')
      },
      toString() {
        throw new Error('trap')
      },
    }
    for (const thrown of [undefined, null, 'text', 42, hostile, new TypeError('t'), unreadable, Object.create(null)]) {
      const { admission, sent, session } = setUp()
      await admission.settle(source(), threw(thrown), session)
      expect(sent.map(({ topic }) => topic)).toEqual(['g.retry.1s'])
    }
  })
})

describe('waits', () => {
  it('of any length go through the longest tier that fits, are never cut short, and use no attempt', async () => {
    const { admission, sent, session, clock } = setUp()
    const untilMs = start + 127_400
    await admission.settle(source(), threw(new RetryLater(new Date(untilMs))), session)
    let delivery = fetched(sent.at(-1)!)
    for (;;) {
      const verdict = admission.admit(delivery)
      if (verdict.kind === 'run') break
      if (verdict.kind === 'drop') expect.unreachable()
      if (verdict.kind === 'wait') clock.advanceTo(verdict.untilMs)
      else {
        await admission.forward(delivery, verdict.untilMs, session)
        delivery = fetched(sent.at(-1)!)
      }
    }
    expect(clock.now()).toBe(untilMs)
    expect(delivery.attempt).toBe(1)
    expect(sent.map(({ topic }) => topic)).toEqual(['g.retry.1m', 'g.retry.1m', 'g.retry.5s', 'g.retry.1s', 'g.retry.1s'])
  })

  it('of a delayed job begin in the ladder at once, on the word of the publisher; other headers of ours are not believed on a source', () => {
    const { admission } = setUp()
    const delayed = source([textHeader('spillway-due-at', String(start + 90_000)), textHeader('spillway-attempt', '99')])
    expect(admission.admit(delayed)).toEqual({ kind: 'forward', untilMs: start + 90_000 })
    expect(admission.admit(source([textHeader('spillway-due-at', 'soon')]))).toEqual({ kind: 'run' })
    expect(admission.admit(source([textHeader('spillway-due-at', String(start))]))).toEqual({ kind: 'run' })
  })
})

describe('a copy that cannot be written', () => {
  it('holds the partition and is tried again until it is acknowledged', async () => {
    let failures = 2
    const { admission, sent, session, clock, blocked } = setUp(async () => {
      if (failures-- > 0) throw new Error('no broker')
    })
    let settled = false
    const settling = admission.settle(source(), threw(new Error('x')), session).then(() => (settled = true))
    for (let turns = 0; turns < 50 && !settled; turns++) {
      await Promise.resolve()
      if (blocked.at(-1) === 'produce') clock.advanceTo(clock.now() + 10_000)
      if (sent.length === 0) expect(settled).toBe(false)
    }
    await settling
    expect(blocked).toEqual(['produce', 'unblocked', 'produce', 'unblocked'])
    expect(sent).toHaveLength(1)
  })

  it('is given up, unfinished, when the assignment drains', async () => {
    const { admission, session, draining } = setUp(async () => {
      throw new Error('no broker')
    })
    const settling = admission.settle(source(), threw(new Error('x')), session)
    draining.abort(new Error('draining'))
    await expect(settling).rejects.toThrow('draining')
  })
})

describe('a copy that its topic does not take', () => {
  const tooLarge = (fits: (record: OutgoingRecord) => boolean) =>
    setUp(async record => {
      if (!fits(record)) throw new RecordTooLarge('too large')
    })
  const bytes = ({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>) =>
    (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, [, one]) => sum + (one?.length ?? 0), 0)
  const large = (value: number, header: number, key = 1): Delivery => {
    const delivery = source([['h', Buffer.alloc(header)]])
    return { ...delivery, record: { ...delivery.record, key: Buffer.alloc(key), value: Buffer.alloc(value) } }
  }

  it.each([
    ['the value, when that is the larger part', large(50_000, 9), 'value of 50000 bytes', { headers: 1 }],
    ['the headers, when those are', large(9, 50_000), '1 headers of 50001 bytes', { value: 9 }],
    ['both', large(50_000, 40_000), 'value of 50000 bytes; 1 headers of 40001 bytes', {}],
    ['the key too', large(1, 1, 50_000), 'value of 1 bytes; 1 headers of 2 bytes; key of 50000 bytes', {}],
  ])('is buried without %s', async (_, delivery, leftOut, kept: { headers?: number; value?: number }) => {
    const { admission, sent, session, blocked } = tooLarge(record => bytes(record) < 20_000)
    await admission.settle(delivery, { kind: 'refused', error: new RecordRefused('over a guard') }, session)
    const trail = readTrail(sent[0]!.headers)
    expect(sent).toHaveLength(1)
    expect(trail).toMatchObject({ disposition: 'refused', leftOut, failure: { message: 'over a guard' } })
    expect(sent[0]!.headers.filter(([name]) => name === 'h')).toHaveLength(kept.headers ?? 0)
    expect(sent[0]!.value?.length).toBe(kept.value)
    expect(blocked).toEqual([])
  })

  it('is a dead letter instead of a retry, and of a wait', async () => {
    const { admission, sent, session, signals } = tooLarge(record => bytes(record) < 20_000)
    const delayed: object[] = []
    signals.on('message.delayed', signal => delayed.push(signal))
    await admission.settle(large(50_000, 1), threw(new Error('no')), session)
    await admission.forward(large(50_000, 1), start + 5_000, session)
    expect(sent.map(({ topic, headers }) => [topic, readTrail(headers)?.disposition])).toEqual(
      Array(2).fill(['g.dlq', 'oversize']),
    )
    expect(readTrail(sent[0]!.headers)?.failure?.message).toBe('no')
    expect(delayed).toEqual([])
  })

  it('of a batch says where it ends', async () => {
    const { admission, sent, session } = setUp()
    const { record, ...rest } = source()
    const unreadable = { firstOffset: 17n, codec: 'lz4', bytes: 5, reason: 'r' }
    const delivery = { ...rest, record: { ...record, offset: 30n, key: null, value: null, headers: [], unreadable } }
    await admission.settle(delivery, { kind: 'refused', error: new RecordRefused('unreadable') }, session)
    expect(readTrail(sent[0]!.headers)).toMatchObject({ origin: { offset: 17n }, batchLastOffset: 30n, batchCodec: 'lz4' })
  })
})
