/**
 * What consumers see of redrives: nothing of a transaction that was aborted; of one that was committed each copy once, with
 * nothing left behind its end that would count as lag or keep a group from starting. What fails again tells of both lives.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import type { TransactionalProducer } from '../../src/broker/port.ts'
import { namesOf } from '../../src/dlq/source.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import type { RedriveOptions } from '../../src/redrive/run.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

/** A group whose handler fails until it is mended, and another one of the same topic. */
async function openStand() {
  const scenario = await openScenario()
  const { broker, prepare } = scenario
  const { opened } = stepsOn({ partitions: 2 })
  const handled: { step: string; attempt: number; redriveCount: number }[] = []
  const state = { mended: false }
  const handler = on(opened, ({ id, n }, { attempt, redriveCount }) => {
    if (!state.mended) throw new Error('a bug')
    handled.push({ step: `${id}${n}`, attempt, redriveCount })
  })
  const seenByOther: string[] = []
  const failing = consumer(unique('failing'), [handler], { retry: { tiers: ['100ms', '200ms'] } })
  const other = consumer(unique('other'), [on(opened, ({ id, n }) => void seenByOther.push(`${id}${n}`))])
  await prepare([failing, other])
  const producer = () => broker.transactionalProducer(namesOf({ group: failing.name }).transactionalId)
  const redrive = (runId: string, more: Partial<RedriveOptions> = {}, by: TransactionalProducer = producer()) =>
    scenario.redrive(failing.name, { runId, ...more }, by)
  return { ...scenario, opened, handled, seenByOther, state, failing, other, producer, redrive }
}

const steps = stepsOf(['a', 'b', 'c'], 2)
const names = steps.map(({ id, n }) => `${id}${n}`).sort()

test('copies of an aborted transaction are never handled, those of a committed one once; other groups see neither', async () => {
  const stand = await openStand()
  const { client, opened, failing, other, run, drained, producer, redrive, records } = stand
  await run([failing, other])
  for (const step of steps) await client.publisher(opened).publish(step)
  await Promise.all([drained(failing), drained(other)])
  stand.state.mended = true

  const aborting = producer()
  const commit = async () => {
    await aborting.abort()
    throw new BrokerUnavailable('not with me')
  }
  await expect(redrive('aborted', {}, { ...aborting, commit })).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE' })
  expect(await records(failing.ladder.immediate.topic)).toEqual([])
  expect(await redrive('committed')).toMatchObject({ moved: steps.length })
  // The end of a transaction has an offset too: were it lag, this would wait in vain.
  await drained(failing)
  expect(stand.handled.map(({ step }) => step).sort()).toEqual(names)
  expect(stand.handled.every(({ attempt, redriveCount }) => attempt === 1 && redriveCount === 1)).toBe(true)
  expect(await redrive('again')).toMatchObject({ moved: 0 })
  await Promise.all([drained(failing), drained(other)])
  expect(stand.handled).toHaveLength(steps.length)
  expect(stand.seenByOther.sort()).toEqual(names)
})

test('a group that is stopped meanwhile finds its letters when it starts again, and handles what is published then', async () => {
  const { client, opened, failing, run, drained, redrive, handled, state } = await openStand()
  const first = await run([failing])
  for (const step of steps) await client.publisher(opened).publish(step)
  await drained(failing)
  await first.stop()
  state.mended = true
  expect(await redrive('while stopped')).toMatchObject({ moved: steps.length })
  await run([failing])
  for (const step of stepsOf(['new'], 4)) await client.publisher(opened).publish(step)
  await drained(failing)
  expect(handled.map(({ step }) => step).sort()).toEqual([...names, 'new1', 'new2', 'new3', 'new4'].sort())
})

test('a letter that fails again tells of both lives, and is redriven no more often than is asked for', async () => {
  const { client, opened, failing, run, drained, redrive, trails, records } = await openStand()
  await run([failing])
  await client.publisher(opened).publish(steps[0]!)
  await drained(failing)
  expect(await redrive('first', { maxRedrives: 1 })).toMatchObject({ moved: 1, stayed: 0 })
  await drained(failing)
  const [before, after] = await trails(failing.ladder.dlq)
  expect(before).toMatchObject({ attempt: 3, redriveCount: 0, disposition: 'exhausted' })
  expect(after).toMatchObject({ attempt: 3, redriveCount: 1, redriveId: 'first', disposition: 'exhausted' })
  expect(after).toMatchObject({ origin: before!.origin, firstFailedAtMs: before!.firstFailedAtMs, group: failing.name })
  expect(after!.hop).toBeGreaterThan(before!.hop)
  const letters = await records(failing.ladder.dlq)
  expect(letters[1]!.value).toEqual(letters[0]!.value)
  expect(await redrive('second', { maxRedrives: 1 })).toMatchObject({ moved: 0, stayed: 1 })
  expect(await redrive('third')).toMatchObject({ moved: 1 })
  await drained(failing)
  expect((await trails(failing.ladder.dlq)).at(-1)).toMatchObject({ redriveCount: 2, redriveId: 'third' })
})
