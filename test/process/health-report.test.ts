/** What makes a process not live or not ready, and what is only told. */
import { describe, expect, it } from 'vitest'
import type { PartitionProgress, SessionProgress } from '../../src/consume/progress.ts'
import { type GroupHealth, liveness, type ProcessHealth, readiness, statusOf } from '../../src/process/health-report.ts'

const now = 10_000_000

const partition = (given: Partial<PartitionProgress> = {}): PartitionProgress => ({
  ...{ topic: 'orders', partition: 3, position: 50n, committed: 40n, end: 100n, unfinished: 10, waiting: 0 },
  ...{ oldestMs: now - 90_000, paused: [], blocked: undefined },
  ...given,
})

const progress = (given: Partial<SessionProgress> = {}): SessionProgress => ({
  ...{ queued: 10, running: 4, held: 0, waiting: 2, partitions: [partition()], attempts: [], parked: () => [] },
  ...given,
})

const group = (given: Partial<GroupHealth> = {}): GroupHealth => ({
  ...{
    group: 'spend',
    phase: 'assigned',
    sinceMs: now - 1_000,
    polled: true,
    joins: 1,
    crashes: 0,
    breaker: undefined,
    handlerTimeoutMs: 30_000,
  },
  progress: progress(),
  ...given,
})

const health = (given: Partial<ProcessHealth> = {}): ProcessHealth => ({
  ...{ service: 'shop', version: '1.2.3', startedAtMs: now - 60_000, draining: false, registryReached: true },
  ...{ eventLoop: { meanMs: 1, maxMs: 20 }, groups: [group()] },
  ...given,
})

const breaker = {
  ...{ fingerprint: 'f00', errorClass: 'TypeError', sinceMs: now - 12_000 },
  ...{ failed: 20, tried: 31, probes: 2 },
}

const attempt = (runsForMs: number) => ({
  origin: { topic: 'orders', partition: 3, offset: 41n, timestampMs: 0 },
  startedAtMs: now - runsForMs,
})
const running = (runsForMs: number) => group({ progress: progress({ attempts: [attempt(10), attempt(runsForMs)] }) })
const blocked = partition({ paused: ['blocked'], blocked: { reason: 'produce', sinceMs: now - 120_000 } })

describe('a process is live', () => {
  it.each([
    ['while all is well', health()],
    ['while an attempt is just past its deadline', health({ groups: [running(31_000)] })],
    [
      'without a broker: crashed, blocked, rebalancing for ever',
      health({
        groups: [
          group({ phase: 'rebuilding', sinceMs: 0, crashes: 9, progress: undefined }),
          group({ progress: progress({ partitions: [blocked] }) }),
          group({ phase: 'rebalancing', sinceMs: 0, progress: undefined }),
        ],
        registryReached: false,
      }),
    ],
    ['while it stops', health({ draining: true })],
    ['after one long stall', health({ eventLoop: { meanMs: 200, maxMs: 9_000 } })],
  ])('%s', (_, of) => {
    expect(liveness(of, now)).toEqual({ ok: true, problems: [], notes: [] })
  })

  it('until an attempt is stuck a minute past its deadline: the place is named, no key', () => {
    expect(liveness(health({ groups: [running(90_000)] }), now).ok).toBe(true)
    expect(liveness(health({ groups: [running(90_001)] }), now)).toMatchObject({
      ok: false,
      problems: ['spend: orders/3 at 41 is stuck for 90 s'],
    })
  })

  it('until its event loop is blocked most of the time', () => {
    expect(liveness(health({ eventLoop: { meanMs: 1_001, maxMs: 9_000 } }), now)).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('event loop')],
    })
  })
})

describe('a process is ready', () => {
  it.each([
    ['when it has joined, fetched and reached the registry', health(), []],
    [
      'for a minute of a rebalance',
      health({ groups: [group({ phase: 'rebalancing', sinceMs: now - 60_000 })] }),
      ['spend: rebalancing for 60 s'],
    ],
    [
      'while its consumer is rebuilt, however long',
      health({ groups: [group({ phase: 'rebuilding', sinceMs: now - 600_000 })] }),
      ['spend: rebuilding for 600 s'],
    ],
    [
      'while partitions wait for a broker',
      health({ groups: [group({ progress: progress({ partitions: [blocked] }) })] }),
      ['spend: orders/3 waits for the broker for 120 s'],
    ],
    [
      'while what the registry said to an earlier process is used',
      health({ registryReached: 'kept' }),
      ['the registry has not answered yet: schemas come from disk'],
    ],
    [
      'while its breaker is open',
      health({ groups: [group({ breaker })] }),
      ['spend: the breaker is open for 12 s: 20 of 31 entities failed with TypeError f00, and so did 2 tries since'],
    ],
    [
      'while partitions are paused',
      health({ groups: [group({ progress: progress({ partitions: [partition({ paused: ['window'] })] }) })] }),
      ['spend: orders/3 is paused (window)'],
    ],
  ])('%s', (_, of, notes) => {
    expect(readiness(of, now)).toEqual({ ok: true, problems: [], notes })
  })

  it.each([
    [
      'before it has joined',
      health({ groups: [group(), group({ group: 'late', joins: 0, polled: false, phase: 'joining' })] }),
      'late: not joined yet',
    ],
    ['before its first fetch', health({ groups: [group({ polled: false })] }), 'spend: joined, not fetched yet'],
    ['before the registry has answered', health({ registryReached: false }), 'the registry has not answered yet'],
    ['while it stops', health({ draining: true }), 'the process is stopping'],
    [
      'when a rebalance does not end',
      health({ groups: [group({ phase: 'rebalancing', sinceMs: now - 60_001 })] }),
      'spend: rebalancing for 60 s',
    ],
    ['when it has left a group', health({ groups: [group({ phase: 'stopped' })] }), 'spend: left'],
  ])('not %s', (_, of, problem) => {
    expect(readiness(of, now)).toMatchObject({ ok: false, problems: [problem] })
  })
})

describe('the status', () => {
  it('is JSON with offsets as texts, lag and ages', () => {
    const waiting = partition({ topic: 'spend.retry.5s', end: undefined, oldestMs: undefined, waiting: 2 })
    const known = { held: 5, partitions: [blocked, waiting], attempts: [attempt(100_000)] }
    const groups = [group({ breaker, progress: progress(known) })]
    expect(JSON.parse(JSON.stringify(statusOf(health({ groups }), now)))).toEqual({
      apiVersion: 'v1',
      kind: 'ProcessStatus',
      ...{ service: 'shop', version: '1.2.3', startedAt: '1970-01-01T02:45:40.000Z', uptimeSeconds: 60, draining: false },
      eventLoopDelayMs: { mean: 1, max: 20 },
      groups: [
        {
          ...{ group: 'spend', phase: 'assigned', since: '1970-01-01T02:46:39.000Z', rebalances: 1, crashes: 0 },
          ...{ inFlight: 4, queued: 6, held: 5, waiting: 2 },
          breaker: {
            ...{ state: 'open', since: '1970-01-01T02:46:28.000Z', fingerprint: 'f00', errorClass: 'TypeError' },
            ...{ failed: 20, tried: 31, probes: 2 },
          },
          partitions: [
            {
              ...{ topic: 'orders', partition: 3, position: '50', committed: '40', end: '100', lag: 60, lagAgeSeconds: 90 },
              ...{ unfinished: 10, waiting: 0, paused: ['blocked'] },
              blocked: { reason: 'produce', since: '1970-01-01T02:44:40.000Z' },
            },
            {
              ...{ topic: 'spend.retry.5s', partition: 3, position: '50', committed: '40', end: null, lag: null },
              ...{ lagAgeSeconds: 0, unfinished: 10, waiting: 2, paused: [], blocked: null },
            },
          ],
          ...{ parkedEntities: 0, blockedEntities: 0, parked: [] },
          stuck: [{ topic: 'orders', partition: 3, offset: '41', seconds: 100 }],
        },
      ],
    })
  })
})

describe('the status of a process', () => {
  it('tells of parked and blocked entities: where the message lies, since when, why, and how many wait behind it', () => {
    const parked = (offset: bigint, ageMs: number | undefined, isBlocked = false) => ({
      origin: { topic: 'orders', partition: 3, offset, timestampMs: 0 },
      ...{ attempt: 2, dueAtMs: now + 5_000, fingerprint: ageMs === undefined ? '' : 'f00', isBlocked, followers: 7 },
      firstFailedAtMs: ageMs === undefined ? undefined : now - ageMs,
    })
    const of = [parked(2n, undefined), parked(9n, 1_000), parked(1n, 60_000, true)]
    const status = statusOf(health({ groups: [group({ progress: progress({ parked: () => of }) })] }), now)
    expect(status).toMatchObject({
      groups: [
        {
          parkedEntities: 3,
          blockedEntities: 1,
          parked: [
            {
              ...{ topic: 'orders', partition: 3, offset: '1', attempts: 2, ageSeconds: 60, fingerprint: 'f00', blocked: true },
              ...{ followers: 7, due: new Date(now + 5_000).toISOString() },
            },
            { offset: '9', ageSeconds: 1 },
            { offset: '2', ageSeconds: null, fingerprint: null },
          ],
        },
      ],
    })
  })

  it('names a hundred of them at most, and counts all', () => {
    const origin = { topic: 'orders', partition: 3, offset: 1n, timestampMs: 0 }
    const one = { origin, attempt: 1, dueAtMs: 0, fingerprint: '', isBlocked: false, followers: 0, firstFailedAtMs: 0 }
    const many = Array.from({ length: 150 }, () => one)
    const [told] = (
      statusOf(health({ groups: [group({ progress: progress({ parked: () => many }) })] }), now) as {
        groups: { parkedEntities: number; parked: unknown[] }[]
      }
    ).groups
    expect([told!.parkedEntities, told!.parked.length]).toEqual([150, 100])
  })
})
