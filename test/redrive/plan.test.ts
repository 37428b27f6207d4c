import { expect, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { selectionOf } from '../../src/dlq/selection.ts'
import { type Judge, planRedrive } from '../../src/redrive/plan.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { brokerWithTopics, bury, buryForeign, group, producerOf, sourceOf, valuesOf } from '../dlq/letters.ts'

/** Decodes values `<partition>:<n>`: even ones are of type A, odd ones of type B, 100 and above are garbage. */
const judge: Judge = {
  decode: async ({ record }) => {
    const n = Number(String(record.value).split(':')[1])
    return n >= 100 ? { problem: 'no magic byte' } : { type: n % 2 === 0 ? 'A' : 'B' }
  },
  handles: (topic, type) => topic === 'orders' && type === 'A',
}

test('a plan says per kind of letter what would happen, and moves nothing', async () => {
  const broker = await brokerWithTopics(3)
  await bury(broker, 0, 5)
  await bury(broker, 2, 2, { from: 100, trail: { redriveCount: 2, redriveId: 'x' } })
  await buryForeign(broker, 2)
  const progress: string[] = []
  const plan = await planRedrive(sourceOf(broker), judge, { onProgress: (done, of) => void progress.push(`${done}/${of}`) })
  expect(plan).toEqual({
    group,
    target: 'spend.retry.0s',
    letters: 7,
    partitions: [
      { partition: 0, letters: 5 },
      { partition: 2, letters: 2 },
    ],
    kinds: [
      { type: 'A', handled: true, letters: 3 },
      { type: 'B', handled: false, letters: 2 },
      { type: '', handled: false, letters: 2 },
    ],
    problems: [{ problem: 'no magic byte', letters: 2 }],
    redrivenBefore: [
      { times: 0, letters: 5 },
      { times: 2, letters: 2 },
    ],
    stays: [{ because: 'no-trail', letters: 1 }],
    topics: [{ topic: 'spend.retry.0s', letters: 7 }],
    families: [],
    unknown: [],
    lacks: null,
    unreadableMoves: 0,
  })
  expect(progress.at(-1)).toBe('8/8')
  expect(await valuesOf(broker, 'spend.retry.0s', 0)).toEqual([])
})

test('after a run the plan is empty', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5)
  await runRedrive(sourceOf(broker), producerOf(broker), { runId: 'r', who: 'w', reason: '' })
  expect(await planRedrive(sourceOf(broker), judge)).toMatchObject({ letters: 0, partitions: [], kinds: [] })
})

test('a registry that is down is no verdict on a letter: the plan says that nobody knows', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 3)
  const down: Judge = { ...judge, decode: async () => ({ unknown: 'down' }) }
  expect(await planRedrive(sourceOf(broker), down)).toMatchObject({
    letters: 3,
    kinds: [],
    problems: [],
    unknown: [{ problem: 'down', letters: 3 }],
  })
})

test('letters that were redriven often enough would stay', async () => {
  const broker = await brokerWithTopics(1)
  for (const redriveCount of [0, 1, 2, 3]) await bury(broker, 0, 1, { trail: { redriveCount } })
  expect(await planRedrive(sourceOf(broker), judge, { maxRedrives: 2 })).toMatchObject({
    letters: 2,
    stays: [{ because: 'max-redrives', letters: 2 }],
  })
})

test('only the partitions that letters would go to must exist', async () => {
  const broker = await brokerWithTopics(3, 2)
  await bury(broker, 0, 1)
  await bury(broker, 2, 1)
  const first = { partition: 0, from: 0n, to: 9n }
  const words = 'address=0:..'
  const selection = selectionOf([{ on: 'address', ranges: [first], words }], Number.POSITIVE_INFINITY, async () => undefined)
  expect(await planRedrive(sourceOf(broker), judge, { selection })).toMatchObject({ letters: 1 })
  await expect(planRedrive(sourceOf(broker), judge)).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringMatching(/spend\.retry\.0s has 2 partitions.*partition 2.*spillway topic apply/),
  })
})

test.each(['spend.retry.0s', 'spend.dlq.moved'])('a missing %s is said before anything is read', async missing => {
  const broker = memoryBroker()
  const names = ['spend.dlq', 'spend.retry.0s', 'spend.dlq.moved'].filter(name => name !== missing)
  await broker.admin().createTopics(names.map(name => ({ name, partitions: 1, replicationFactor: 1, config: {} })))
  await bury(broker, 0, 1)
  await expect(planRedrive(sourceOf(broker), judge)).rejects.toMatchObject({
    code: 'E_REDRIVE_TARGET',
    message: expect.stringContaining(missing),
  })
})
