import { describe, expect, it } from 'vitest'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import { DeadLetter, RetryLater, Skip } from '../../src/consume/outcome.ts'
import { retryPolicy } from '../../src/consume/retry-policy.ts'
import { RecordRefused, RecordTooLarge, UnknownSchemaId } from '../../src/errors.ts'
import { type Header, type Headers, textHeader } from '../../src/message/headers.ts'
import { Signals } from '../../src/observe/signals.ts'
import { LadderAdmission } from '../../src/retry/ladder-admission.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { readTrail } from '../../src/topic/trail.ts'
import { ManualClock } from '../manual-clock.ts'
import { asked } from './asked.ts'
import { persisting } from './persisting.ts'

const start = 1_000_000
const retry = retryPolicy('g', {}, 'none')
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
  const admission = asked(new LadderAdmission({ ladder: ladderOf('g', ['1s', '5s', '1m']), retry, sender, signals, clock }))
  const failures: string[] = []
  return { clock, sent, signals, admission, session: persisting(failures), failures }
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
  return {
    record: { ...copy, headers: copy.headers, offset: 0n, timestampMs: start },
    origin: trail.origin,
    trail,
    attempt: trail.attempt + 1,
  }
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
      expect(admission.admit(next)).toEqual({ kind: 'lane' })
      expect(admission.turn(next)).toEqual({ kind: 'run' })
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
      const turn = admission.turn(delivery)
      if (turn.kind === 'run') break
      if (turn.kind === 'wait') clock.advanceTo(turn.untilMs)
      else if (turn.kind === 'move') {
        await turn.move()
        delivery = fetched(sent.at(-1)!)
      } else expect.unreachable()
    }
    expect(clock.now()).toBe(untilMs)
    expect(delivery.attempt).toBe(1)
    expect(sent.map(({ topic }) => topic)).toEqual(['g.retry.1m', 'g.retry.1m', 'g.retry.5s', 'g.retry.1s', 'g.retry.1s'])
  })

  it('of a delayed job begin in the ladder at once, on the word of the publisher; other headers of ours are not believed on a source', async () => {
    const { admission, sent } = setUp()
    const delayed = source([textHeader('spillway-due-at', String(start + 90_000)), textHeader('spillway-attempt', '99')])
    const turn = admission.turn(delayed)
    if (turn.kind === 'move') await turn.move()
    expect(sent.map(({ topic, headers }) => [topic, readTrail(headers)?.untilMs])).toEqual([['g.retry.1m', start + 90_000]])
    expect(admission.turn(source([textHeader('spillway-due-at', 'soon')]))).toEqual({ kind: 'run' })
    expect(admission.turn(source([textHeader('spillway-due-at', String(start))]))).toEqual({ kind: 'run' })
  })
})

describe('a record over a guard', () => {
  it('goes its way to the dead letters: its headers are not asked whether it is due', () => {
    const { admission } = setUp()
    const late = source([textHeader('spillway-due-at', String(start + 90_000))])
    expect(admission.turn({ ...late, refusal: new RecordRefused('over a guard') })).toEqual({ kind: 'run' })
  })
})

describe('a copy that cannot be written', () => {
  it('is tried until it is acknowledged', async () => {
    let failing = 2
    const { admission, sent, session, failures } = setUp(async () => {
      if (failing-- > 0) throw new Error('no broker')
    })
    await admission.settle(source(), threw(new Error('x')), session)
    expect(failures).toEqual(['produce', 'produce'])
    expect(sent).toHaveLength(1)
  })

  it('is neither told nor finished when the assignment ends first', async () => {
    const { admission, session, signals } = setUp(async () => {
      throw new Error('no broker')
    })
    signals.on('message.retried', () => expect.unreachable())
    await expect(admission.settle(source(), threw(new Error('x')), session)).rejects.toThrow('no broker')
  })

  it('for its size becomes a letter without its value, whatever it was meant for', async () => {
    const { admission, sent, session, failures, signals } = setUp(async ({ topic, value }) => {
      if (value !== null) throw new RecordTooLarge(`too large for ${topic}`)
    })
    const dispositions: string[] = []
    signals.on('message.deadLettered', ({ disposition }) => dispositions.push(disposition))
    signals.on('message.retried', () => expect.unreachable())
    await admission.settle(source(), threw(new Error('x')), session)
    expect(failures).toEqual([])
    expect(sent.map(({ topic, value }) => [topic, value])).toEqual([['g.dlq', null]])
    expect(readTrail(sent[0]!.headers)).toMatchObject({ disposition: 'oversize', origin: source().origin })
    expect(dispositions).toEqual(['oversize'])
  })

  it('goes to the partition of its record, not to one that a damaged trail names', async () => {
    const { admission, sent, session } = setUp()
    await admission.settle(source(), threw(new Error('x')), session)
    const damaged = sent[0]!.headers.map(
      ([name, value]): Header => (name === 'spillway-origin-partition' ? textHeader(name, '999') : [name, value]),
    )
    await admission.settle(fetched({ ...sent[0]!, headers: damaged }), threw(new Error('x')), session)
    expect(sent.map(({ partition }) => partition)).toEqual([3, 3])
  })
})

describe('a ladder without tiers', () => {
  it('dead-letters a first failure, and still has tiers for longer waits', async () => {
    const ladder = ladderOf('g', [])
    expect(ladder.waits.map(({ topic }) => topic)).toEqual(['g.retry.1s', 'g.retry.5s', 'g.retry.30s', 'g.retry.5m'])
    const sent: OutgoingRecord[] = []
    const sender = {
      send: async (record: OutgoingRecord) => {
        sent.push(record)
        return { topic: record.topic, partition: record.partition, offset: 0n }
      },
    }
    const admission = asked(new LadderAdmission({ ladder, retry, sender, signals: new Signals(), clock: new ManualClock(start) }))
    const { session } = setUp()
    await admission.settle(source(), threw(new Error('x')), session)
    await admission.settle(source(), threw(new RetryLater('2d')), session)
    await admission.settle(source(), threw(new RetryLater(new Date(8.64e15))), session)
    expect(sent.map(({ topic }) => topic)).toEqual(['g.dlq', 'g.retry.5m', 'g.retry.5m'])
    expect(readTrail(sent[2]!.headers)).toMatchObject({ untilMs: 8.64e15, dueAtMs: start + 300_000 })
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
    const { admission, sent, session, failures } = tooLarge(record => bytes(record) < 20_000)
    await admission.settle(delivery, { kind: 'refused', error: new RecordRefused('over a guard') }, session)
    const trail = readTrail(sent[0]!.headers)
    expect(sent).toHaveLength(1)
    expect(trail).toMatchObject({ disposition: 'refused', leftOut, failure: { message: 'over a guard' } })
    expect(sent[0]!.headers.filter(([name]) => name === 'h')).toHaveLength(kept.headers ?? 0)
    expect(sent[0]!.value?.length).toBe(kept.value)
    expect(failures).toEqual([])
  })

  it('is a dead letter instead of a retry, and of a wait', async () => {
    const { admission, sent, session, signals } = tooLarge(record => bytes(record) < 20_000)
    const delayed: object[] = []
    signals.on('message.delayed', signal => delayed.push(signal))
    await admission.settle(large(50_000, 1), threw(new Error('no')), session)
    const delayedJob = large(50_000, 1)
    const headers = [...delayedJob.record.headers, textHeader('spillway-due-at', String(start + 5_000))]
    const turn = admission.turn({ ...delayedJob, record: { ...delayedJob.record, headers } })
    if (turn.kind === 'move') await turn.move()
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
