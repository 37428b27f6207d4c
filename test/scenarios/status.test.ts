/** What an operator sees of a group with a parked entity: the cluster's view (`spillway status`), and the process's own. */
import { consumer, DeadLetter, on } from 'spillway'
import { expect, test } from 'vitest'
import { statusOf } from '../../src/command/status.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

test('lag and its age, what waits and when it is due, the oldest letter, and who waits behind whom', async () => {
  const { prepare, run, broker, client, heard } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 2 })
  let broken = true
  const group = consumer(
    unique('seen'),
    [
      on(opened, ({ id }) => {
        if (id === 'parked' && broken) throw new Error('no')
        if (id === 'dead') throw new DeadLetter('never')
      }),
    ],
    { retry: { tiers: ['1m', '5m'] } },
  )
  await prepare([group])
  const before = Date.now()
  const { publish } = client.publisher(opened)
  for (const [i, id] of ['dead', 'parked', 'parked', 'parked', 'well'].entries()) await publish({ id, n: i })
  const followed = heard('message.followed')
  const process = await run([group])
  await until(async () => (await statusOf(broker, [group]))[0]!.topics[0]!.lag === 0n, { withinMs: patienceMs, what: 'no lag' })

  const [status] = await statusOf(broker, [group])
  expect(status).toMatchObject({ group: group.name, state: 'Stable', members: 1, dead: 1n })
  expect(status!.topics).toEqual([{ topic: steps.name, lag: 0n, oldestMs: undefined }])
  const waiting = status!.waiting.filter(({ records }) => records)
  expect(waiting).toMatchObject([{ tier: '1m', records: 3n }])
  expect(waiting[0]!.nextDueMs).toBeGreaterThanOrEqual(before + 60_000)
  expect(waiting[0]!.nextDueMs).toBeLessThanOrEqual(Date.now() + 60_000)
  expect(status!.oldestDeadMs).toBeGreaterThanOrEqual(before)
  expect(followed).toHaveLength(2)
  const parked = process.progress().get(group.name)!.parked()
  expect(parked).toMatchObject([{ origin: { topic: steps.name }, attempt: 1, isBlocked: false, followers: 2 }])
  expect(parked[0]!.fingerprint).not.toBe('')

  await process.stop()
  const stoppedAt = Date.now()
  broken = false
  await publish({ id: 'well', n: 9 })
  const [later] = await statusOf(broker, [group])
  expect(later!.topics[0]).toMatchObject({ lag: 1n })
  expect(later!.topics[0]!.oldestMs).toBeGreaterThanOrEqual(stoppedAt)
  expect(later).toMatchObject({ state: 'Empty', members: 0 })
})
