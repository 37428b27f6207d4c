/** A record that is tried again in its place: what the session does for an admission that asks for it. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Admission, Attempted } from '../../src/consume/admission.ts'
import type { Attempt } from '../../src/consume/attempt.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import { admitting } from './admitting.ts'
import { assigned, loopFixture, recordOf } from './loop-fixture.ts'

const failure = { kind: 'threw', type: 'it.Thing', id: 'i', error: 'no' } as const
const success = { kind: 'returned', type: 'it.Thing', id: 'i', durationMs: 1 } as const

/** The first record fails at its first try and is tried again at 5,000. */
async function begin({ outcome = () => success as Attempted } = {}) {
  const tries: string[] = []
  const settled: string[] = []
  const attempt: Attempt = async ({ record, attempt: number }) => {
    tries.push(`${record.key}${record.offset}.${number}`)
    return record.offset > 0n ? success : number === 1 ? failure : outcome()
  }
  const admission: Admission = {
    onAssigned: (partitions, session) => ({
      ...admitting().onAssigned(partitions, session),
      settle: async (begun, attempted) => {
        if (attempted.kind === 'returned') return
        const again = await session.again(begun, { ...begun.delivery, attempt: 2 }, 5_000)
        settled.push(again.kind)
      },
    }),
  }
  const fixture = loopFixture({ attempt, admission, concurrency: 1 })
  await fixture.loop.onAssigned([assigned('it-src')])
  await fixture.take(recordOf('it-src', 0, 'bad'), recordOf('it-src', 1, 'bad'), recordOf('it-src', 2, 'good'))
  await turnOfTheLoop()
  const at = async (ms: number) => {
    fixture.clock.advanceTo(ms)
    await turnOfTheLoop()
  }
  return { ...fixture, tries, settled, at }
}

test('its place is another meanwhile, what is behind it in its lane waits, and it is never early', async () => {
  const { tries, settled, at, clock, loop } = await begin()
  expect(tries).toEqual(['bad0.1', 'good2.1'])
  await at(4_999)
  clock.fireEarly(4_999)
  await at(4_999)
  expect(tries).toHaveLength(2)
  await at(5_000)
  expect(tries.slice(2)).toEqual(['bad0.2', 'bad1.1'])
  expect(settled).toEqual(['returned'])
  expect(loop.progress()?.partitions[0]?.unfinished).toBe(0)
})

test('a drain ends the wait at once: it is not tried, and not finished', async () => {
  const { tries, loop, told, commits } = await begin()
  await loop.onRevoking()
  expect(tries).toEqual(['bad0.1', 'good2.1'])
  expect(told.filter(what => what.startsWith('failure'))).toEqual([])
  expect(commits.at(-1)).toMatchObject([{ offset: 0n }])
})

test('an outage at a later try is waited out like that of a first one', async () => {
  let isAway = true
  const away = { kind: 'threw', type: 'it.Thing', id: 'i', error: new BrokerUnavailable('away') } as const
  const { tries, settled, at, told } = await begin({ outcome: () => (isAway ? away : success) })
  await at(5_000)
  await at(5_200)
  expect(tries.slice(2)).toEqual(['bad0.2', 'bad0.2'])
  expect([settled, told]).toEqual([[], ['pause it-src']])
  isAway = false
  await at(5_600)
  expect(settled).toEqual(['returned'])
})
