/** What an open breaker does to the records of an assignment, in time that the test moves. */
import { describe, expect, it } from 'vitest'
import type { Attempted, Delivery } from '../../src/consume/admission.ts'
import { Hold } from '../../src/consume/hold.ts'
import { Lanes } from '../../src/consume/lanes.ts'
import type { Tracked } from '../../src/consume/partition.ts'
import { RegistryUnavailable } from '../../src/errors.ts'
import { admitting } from './admitting.ts'
import { deliveryOf, threw, times, well } from './breaker-fixture.ts'
import { assigned, type LoopFixtureOptions, loopFixture, recordOf } from './loop-fixture.ts'

const turns = async (count = 60) => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}
/** Opens at the third entity. */
const breaker = { entities: 3 }

/** A loop whose handler answers by what the test says of the world. */
async function setUp(options: LoopFixtureOptions = {}) {
  const tried: string[] = []
  const settled: string[] = []
  const world: { answer: (key: string) => Attempted | Promise<Attempted> } = { answer: () => threw('down') }
  const keyOf = ({ record }: Delivery) => String(record.key)
  const admission = admitting({
    settle: (delivery, attempted) => {
      settled.push(`${keyOf(delivery)} ${attempted.kind}`)
      return undefined
    },
  })
  const attempt = async (delivery: Delivery) => {
    tried.push(keyOf(delivery))
    return world.answer(keyOf(delivery))
  }
  const fixture = loopFixture({ attempt, admission, breaker, concurrency: 4, ...options })
  const { loop, clock, take } = fixture
  await loop.onAssigned([assigned('it-src')])
  const give = async (...keys: string[]) => {
    await take(...keys.map(key => recordOf('it-src', next++, key)))
    await turns()
  }
  let next = 0
  const pass = async (ms: number) => {
    clock.advanceTo(clock.now() + ms)
    await turns()
  }
  const done = () => tried.splice(0)
  return { ...fixture, tried, settled, world, give, pass, done }
}

/** Two have failed and are settled, the third opened it, the fourth ran and is held too, and of e to j none has begun. */
async function setUpOpen(options?: LoopFixtureOptions) {
  const fixture = await setUp(options)
  await fixture.give(...'abcdefghij')
  fixture.done()
  fixture.settled.length = 0
  return fixture
}

describe('while the breaker is open', () => {
  it('nothing begins, and what ran and failed is neither settled nor finished', async () => {
    const { tried, settled, give, loop, commits, pass } = await setUp()
    await give(...'abcdefghij')
    expect(tried.join('')).toBe('abcd')
    expect(settled).toEqual(['a threw', 'b threw'])
    await give('k', 'a')
    await pass(4_000)
    expect(tried.join('')).toBe('abcd')
    expect(loop.progress()).toMatchObject({ queued: 10, running: 0, held: 10, attempts: [] })
    expect(commits.at(-1)).toMatchObject([{ offset: 2n }])
  })

  it('one record of another entity is tried every five seconds, and when there is no other, the one that has waited longest', async () => {
    const { done, pass, settled } = await setUpOpen()
    const order: string[] = []
    for (let n = 0; n < 10; n++) {
      await pass(5_000)
      order.push(done().join(''))
    }
    expect(order.slice(0, 4)).toEqual(['e', 'f', 'g', 'h'])
    expect(order.slice(4).join('')).toBe('ijcdef')
    expect(settled).toEqual([])
  })

  it('one that has never failed is tried rather than the copy of one that has', async () => {
    const { done, pass, take, loop } = await setUp()
    await loop.onAssigned([assigned('it-src'), assigned('it-group.retry.1s')])
    await take(...[...'abcd'].map((key, n) => recordOf('it-src', n, key)))
    const trail = ['origin-topic:it-src', 'origin-partition:0', 'error-class:Error', 'error-fingerprint:down'].map(text =>
      text.split(':'),
    )
    const headers = (n: number) =>
      [...trail, ['origin-offset', String(n)]].map(([name, value]) => [`spillway-${name}`, Buffer.from(value!)] as const)
    await take(...times(3, n => ({ ...recordOf('it-group.retry.1s', n, `copy-${n}`), headers: headers(n) })))
    await take(recordOf('it-src', 4, 'new'))
    await turns()
    done()
    const order: string[] = []
    for (let n = 0; n < 3; n++) {
      await pass(5_000)
      order.push(...done())
    }
    expect(order).toEqual(['new', 'copy-0', 'copy-1'])
  })

  it('one whose turn ends without a try is passed over', async () => {
    const later = ({ record }: Delivery) => 'ef'.includes(String(record.key))
    const turn = (delivery: Delivery) =>
      later(delivery) ? ({ kind: 'wait', untilMs: 60_000 } as const) : ({ kind: 'run' } as const)
    const { pass, done } = await setUpOpen({ admission: admitting({ turn, settle: () => undefined }) })
    await pass(5_000)
    expect(done()).toEqual(['g'])
  })

  it('a try that goes well sets everything going, each entity in its order', async () => {
    const { give, pass, world, done, settled, loop, commits } = await setUpOpen()
    await give(...'cgcg')
    world.answer = () => well
    await pass(5_000)
    const order = done()
    expect(order[0]).toBe('e')
    expect([...order].sort().join('')).toBe('cccdefggghij')
    expect(settled).toHaveLength(12)
    expect(loop.progress()).toMatchObject({ queued: 0, held: 0 })
    await pass(200)
    expect(commits.at(-1)).toMatchObject([{ offset: 14n, metadata: '' }])
  })

  it('a try that fails with another error is settled by that, and everything goes on', async () => {
    const { pass, world, settled } = await setUpOpen()
    world.answer = key => (key === 'e' ? threw('a bug') : well)
    await pass(5_000)
    expect(settled).toContain('e threw')
    expect(settled).toHaveLength(8)
  })

  it('places are free: what is held takes none', async () => {
    const { pass, done } = await setUpOpen({ concurrency: 1 })
    for (let n = 0; n < 5; n++) await pass(5_000)
    expect(done()).toHaveLength(5)
  })

  it('when it opens anew before all are through, these are held again', async () => {
    const { pass, world, done, settled, loop } = await setUpOpen({ concurrency: 1 })
    for (let n = 0; n < 6; n++) await pass(5_000)
    done()
    let isFirst = true
    world.answer = () => {
      const answer = isFirst ? well : threw('down')
      isFirst = false
      return answer
    }
    await pass(5_000)
    // The probe, two failures that are settled, and the third, with which it opens.
    expect(done()).toHaveLength(4)
    expect(settled.slice(-3).map(text => text.split(' ')[1])).toEqual(['returned', 'threw', 'threw'])
    expect(loop.progress()).toMatchObject({ running: 0, held: 5 })
    world.answer = () => well
    await pass(5_000)
    expect(loop.progress()).toMatchObject({ queued: 0, held: 0 })
  })

  it('a try that meets an outage which is waited for says nothing, and another follows', async () => {
    const { pass, world, done } = await setUpOpen()
    world.answer = key =>
      key === 'e' ? { kind: 'threw', type: '', id: '', error: new RegistryUnavailable('away') } : threw('down')
    await pass(5_000)
    expect(done()).toEqual(['e'])
    for (let n = 0; n < 51; n++) await pass(100)
    expect(done()).toEqual(['f'])
  })

  it('a record that waits for the registry is not tried before it closes', async () => {
    let isAway = true
    const { give, pass, world, done, settled } = await setUp()
    const waits = () => ({ kind: 'threw', type: '', id: '', error: new RegistryUnavailable('away') }) as const
    world.answer = key => (key === 'waits' ? (isAway ? waits() : well) : threw('down'))
    await give('waits', ...'abcdef')
    expect(done()[0]).toBe('waits')
    isAway = false
    for (let n = 0; n < 45; n++) await pass(100)
    expect([done(), settled.includes('waits returned')]).toEqual([[], false])
    world.answer = () => well
    for (let n = 0; n < 150; n++) await pass(100)
    expect(settled).toContain('waits returned')
  })
})

describe('the breaker opens by what was tried since the first such try began, whatever went well before', () => {
  const away = { kind: 'threw', type: '', id: '', error: new RegistryUnavailable('away') } as const

  async function setUpWell(...first: string[]) {
    const fixture = await setUp()
    const opened: { failed: number; tried: number }[] = []
    fixture.signals.on('breaker.opened', ({ failed, tried }) => opened.push({ failed, tried }))
    // It counts from the first failure on.
    fixture.world.answer = key => (key === 'waits' ? away : key === 'bug' ? threw('a bug') : well)
    await fixture.give('bug', ...first, ...times(20, n => `good-${n}`))
    await fixture.pass(1_000)
    fixture.world.answer = () => threw('down')
    return { ...fixture, opened }
  }

  it('of tries that fail', async () => {
    const { give, opened } = await setUpWell()
    await give(...'abc')
    expect(opened).toEqual([{ failed: 3, tried: 3 }])
  })

  it('of one that has waited for an outage before', async () => {
    const { give, pass, opened } = await setUpWell('waits')
    await give(...'ab')
    for (let n = 0; n < 20; n++) await pass(100)
    expect(opened).toEqual([{ failed: 3, tried: 3 }])
  })
})

describe('an assignment that ends while the breaker is open', () => {
  it('is drained at once: what is held is given up and not committed, and the next one begins held', async () => {
    const { loop, commits, done, take, pass, told, world, settled } = await setUpOpen()
    await loop.onRevoking()
    expect(commits.at(-1)).toMatchObject([{ offset: 2n }])
    expect([told, settled]).toEqual([[], []])
    await loop.onAssigned([{ ...assigned('it-src'), position: 2n }])
    await take(...[...'cdefghij'].map((key, n) => recordOf('it-src', n + 2, key)))
    await turns()
    expect(done()).toEqual([])
    world.answer = () => well
    await pass(5_000)
    expect(done()).toHaveLength(8)
    expect(settled).toHaveLength(8)
  })

  it('gives up what fails only during the drain', async () => {
    const late = Promise.withResolvers<Attempted>()
    const { loop, give, world, settled, commits, told } = await setUp()
    world.answer = key => (key === 'late' ? late.promise : threw('down'))
    await give('late', ...'abcdef')
    settled.length = 0
    const revoked = loop.onRevoking()
    await turns()
    late.resolve(threw('down'))
    await revoked
    expect([settled, told]).toEqual([[], []])
    expect(commits.at(-1)).toMatchObject([{ offset: 0n }])
  })

  it('leaves no timer behind', async () => {
    const { loop, clock, told } = await setUpOpen()
    expect(clock.pending).toBeGreaterThan(0)
    loop.abandon()
    await turns()
    expect([clock.pending, told]).toEqual([0, []])
  })
})

it('names entities as the lanes do, so that one counts once', async () => {
  const running = Promise.withResolvers<void>()
  const lanes: Lanes<Tracked> = new Lanes(10, ({ delivery }) => (delivery.attempt === 99 ? running.promise : Promise.resolve()))
  const hold = new Hold({ breaker: undefined, lanes, partitions: 1 })
  const trackedOf = (delivery: Delivery) => ({ delivery, attemptSinceMs: 1 }) as Tracked
  const first = trackedOf({ ...deliveryOf('first'), attempt: 99 })
  const keyless = deliveryOf('')
  const all = [deliveryOf('a'), deliveryOf('b', 'down'), deliveryOf(''), { ...keyless, record: { ...keyless.record, key: null } }]
  const { entityOf } = await import('../../src/consume/delivery.ts')
  lanes.push('it-src/0', 'first', first)
  for (const [place, key, delivery] of [
    ['it-src/0', 'a', all[0]!],
    ['it-src/0', 'b', all[1]!],
    ['it-src/0', '', all[2]!],
    ['it-src/0 without a key', '', all[3]!],
  ] as const)
    lanes.push(place, key, trackedOf(delivery))
  await turns()
  expect(hold.endedSince(first.delivery).sort()).toEqual(all.map(entityOf).sort())
  expect(hold.running()).toEqual([entityOf(first.delivery)])
  running.resolve()
})
