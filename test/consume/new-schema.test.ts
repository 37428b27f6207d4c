/** A record whose schema has to be asked for waits without a handler's place, and runs within `concurrency` once it is known. */
import { expect, it } from 'vitest'
import type { Attempted } from '../../src/consume/admission.ts'
import type { Attempt } from '../../src/consume/attempt.ts'
import { RegistryUnavailable, UnknownSchemaId } from '../../src/errors.ts'
import { until } from '../until.ts'
import { admitting } from './admitting.ts'
import { assigned, loopFixture, recordOf, returned } from './loop-fixture.ts'

const soon = { withinMs: 2_000 }
/** Long enough for all that waits for nothing. */
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Records whose key begins with `new` have a schema that `ask` is asked for; `run` is the handler. */
function attempting(ask: () => Promise<unknown>, run: (key: string) => Promise<void> = async () => {}) {
  const ran: string[] = []
  const known = new Set<string>()
  const keyOf = ({ record }: { record: { key: Buffer | null } }) => String(record.key)
  const attempt: Attempt = async (delivery, scope): Promise<Attempted> => {
    ran.push(keyOf(delivery))
    await run(keyOf(delivery))
    return returned(delivery, scope)
  }
  attempt.preparing = delivery => {
    const key = keyOf(delivery)
    if (!key.startsWith('new') || known.has(key)) return undefined
    return ask().then(() => known.add(key))
  }
  return { attempt, ran }
}

it('leaves its place to others while it waits, of the same partition too', async () => {
  const answer = Promise.withResolvers<void>()
  const { attempt, ran } = attempting(() => answer.promise)
  const { loop, take, clock } = loopFixture({ attempt, concurrency: 1 })
  clock.advanceTo(1_000)
  await loop.onAssigned([assigned('it-src')])
  await take(recordOf('it-src', 0, 'new'), recordOf('it-src', 1, 'a'), recordOf('it-src', 2, 'b'))
  await until(() => ran.length === 2, { ...soon, what: 'the others' })
  expect(ran).toEqual(['a', 'b'])
  expect(loop.progress()!.attempts).toMatchObject([{ origin: { offset: 0n } }])
  answer.resolve()
  await until(() => ran.length === 3, { ...soon, what: 'the one that waited' })
})

it('does not run with all that waited at once when the registry is back', async () => {
  let isAway = true
  const world = { running: 0, most: 0 }
  const { attempt, ran } = attempting(
    async () => {
      if (isAway) throw new RegistryUnavailable('gone')
    },
    async () => {
      world.most = Math.max(world.most, ++world.running)
      await turns()
      world.running--
    },
  )
  const { loop, take, told, clock } = loopFixture({ attempt, concurrency: 2 })
  clock.advanceTo(1_000)
  await loop.onAssigned([assigned('it-src')])
  await take(...Array.from({ length: 20 }, (_, i) => recordOf('it-src', i, `new-${i}`)))
  for (let ms = 1_000; ms < 6_000; ms += 200) {
    clock.advanceTo(ms)
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  expect([told, ran]).toEqual([['pause it-src'], []])
  // What waits for an outage is no try that takes long.
  expect(loop.progress()!.attempts).toEqual([])
  isAway = false
  clock.advanceTo(20_000)
  await until(() => ran.length === 20 && told.length === 2, { ...soon, what: 'all of them' })
  expect(world.most).toBe(2)
  expect(told).toEqual(['pause it-src', 'resume it-src'])
})

it('is tried when the registry does not know its schema: the try says so, and what becomes of it is decided as of any failure', async () => {
  const settled: Attempted[] = []
  const unknown = new UnknownSchemaId('no such id')
  const { attempt } = attempting(() => Promise.reject(unknown))
  const failing: Attempt = async () => ({ kind: 'threw', type: '', id: '', error: unknown })
  failing.preparing = attempt.preparing!
  const { loop, take, told } = loopFixture({
    attempt: failing,
    admission: admitting({ settle: async (_delivery, attempted) => void settled.push(attempted) }),
  })
  await loop.onAssigned([assigned('it-src')])
  await take(recordOf('it-src', 0, 'new'))
  await until(() => settled.length === 1, { ...soon, what: 'it to be settled' })
  expect(settled).toEqual([{ kind: 'threw', type: '', id: '', error: unknown }])
  expect(told).toEqual([])
})

it('is tried when the registry is back and does not know its schema', async () => {
  const settled: Attempted[] = []
  const unknown = new UnknownSchemaId('no such id')
  const answers = [new RegistryUnavailable('gone')]
  const { attempt } = attempting(() => Promise.reject(answers.shift() ?? unknown))
  const failing: Attempt = async () => ({ kind: 'threw', type: '', id: '', error: unknown })
  failing.preparing = attempt.preparing!
  const { loop, take, told, clock } = loopFixture({
    attempt: failing,
    admission: admitting({ settle: async (_delivery, attempted) => void settled.push(attempted) }),
  })
  await loop.onAssigned([assigned('it-src')])
  await take(recordOf('it-src', 0, 'new'))
  await until(() => told.length === 1, { ...soon, what: 'it to wait' })
  clock.advanceTo(5_000)
  await until(() => told.length > 1, { ...soon, what: 'the answer' })
  await turns()
  expect(settled).toEqual([{ kind: 'threw', type: '', id: '', error: unknown }])
  expect(told).toEqual(['pause it-src', 'resume it-src'])
})

it('is asked for by no record that is over a guard', async () => {
  const settled: Attempted[] = []
  const { attempt, ran } = attempting(() => expect.unreachable())
  const { loop, take } = loopFixture({
    attempt,
    admission: admitting({ settle: async (_delivery, attempted) => void settled.push(attempted) }),
  })
  await loop.onAssigned([assigned('it-src')])
  await take({ ...recordOf('it-src', 0, 'new'), headers: Array(100_000).fill(['h', null]) })
  await until(() => settled.length === 1, { ...soon, what: 'it to be settled' })
  expect([settled[0]!.kind, ran]).toEqual(['refused', []])
})

it('is given up when the group rebalances, and holds up no drain', async () => {
  const { attempt, ran } = attempting(() => Promise.reject(new RegistryUnavailable('gone')))
  const { loop, take, told, commits } = loopFixture({ attempt })
  await loop.onAssigned([assigned('it-src')])
  await take(recordOf('it-src', 0, 'new'))
  await until(() => told.length === 1, { ...soon, what: 'it to wait' })
  await loop.onRevoking()
  expect([ran, commits.flat().filter(({ offset }) => offset > 0n), told.filter(line => line.startsWith('failure'))]).toEqual([
    [],
    [],
    [],
  ])
})

it('starts nothing while the breaker is open, though its schema has come', async () => {
  const answer = Promise.withResolvers<void>()
  const world = { isDown: true }
  const { attempt, ran } = attempting(() => answer.promise)
  const down: Attempt = async (delivery, scope) => {
    const attempted = await attempt(delivery, scope)
    return world.isDown ? { kind: 'threw', type: 'it.Thing', id: 'i', error: 'down' } : attempted
  }
  down.preparing = attempt.preparing!
  const { loop, take, signals, clock } = loopFixture({ attempt: down, breaker: { entities: 3, share: 0.5, window: '10s' } })
  const opened: unknown[] = []
  signals.on('breaker.opened', signal => opened.push(signal))
  await loop.onAssigned([assigned('it-src')])
  const others = Array.from({ length: 6 }, (_, i) => recordOf('it-src', i + 1, `k${i}`))
  await take(recordOf('it-src', 0, 'new'), ...others)
  await until(() => opened.length === 1, { ...soon, what: 'the breaker' })
  answer.resolve()
  await turns()
  expect(ran).not.toContain('new')
  world.isDown = false
  for (let ms = 0; ms <= 60_000; ms += 1_000) {
    clock.advanceTo(ms)
    await turns()
  }
  expect(ran).toContain('new')
})

it('says nothing while the breaker is open and the registry away: another record is tried', async () => {
  const { attempt, ran } = attempting(() => Promise.reject(new RegistryUnavailable('gone')))
  const down: Attempt = async (delivery, scope) => {
    await attempt(delivery, scope)
    return { kind: 'threw', type: 'it.Thing', id: 'i', error: 'down' }
  }
  down.preparing = attempt.preparing!
  const { loop, take, told, signals, clock } = loopFixture({
    attempt: down,
    breaker: { entities: 3, share: 0.5, window: '10s' },
  })
  const opened: unknown[] = []
  signals.on('breaker.opened', signal => opened.push(signal))
  await loop.onAssigned([assigned('it-src')])
  await take(...Array.from({ length: 6 }, (_, i) => recordOf('it-src', i, `k${i}`)))
  await until(() => opened.length === 1, { ...soon, what: 'the breaker' })
  await take(recordOf('it-src', 6, 'new'))
  ran.length = 0
  clock.advanceTo(5_000)
  await until(() => told.length === 1, { ...soon, what: 'the new one to be picked and to wait' })
  expect(ran).toEqual([])
  clock.advanceTo(10_000)
  await until(() => ran.length === 1, { ...soon, what: 'another to be tried' })
})
