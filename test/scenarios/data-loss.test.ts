/**
 * Records that are gone before they were handled are never passed over without a word: the group goes on with the first there is
 * and says so, or, where it was told to, stops with an error.
 */
import { consumer, on, type ProcessorOptions } from 'spillway'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/consume/limits.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { journalling } from './child/journalling.ts'
import { openJournal, spillwayRun, startChild } from './children.ts'
import { deleteUpTo, makeAnew } from './deleting.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

const patience = { withinMs: patienceMs }

async function openReader(options: ProcessorOptions = {}, handle: (n: number) => unknown = () => undefined) {
  const scenario = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const subscription = on(opened, async ({ n }) => {
    handled.push(n)
    await handle(n)
  })
  const reader = consumer(unique('reader'), [subscription], options)
  await scenario.prepare([reader])
  const say = async (from: number, to: number, note = '') => {
    for (let n = from; n <= to; n++)
      await scenario.put(steps.name, { key: 'a', value: await scenario.encode(opened, { id: 'a', n, note }) })
  }
  return { ...scenario, topic: steps.name, reader, handled, say, resets: scenario.heard('offset.reset') }
}

test('deleted while nobody ran: the group goes on with what is left, and says once what is missing', async () => {
  const { run, drained, topic, reader, handled, say, resets } = await openReader()
  await say(0, 4)
  const first = await run([reader])
  await drained(reader)
  await first.stop()
  await say(5, 9)
  await deleteUpTo(topic, 8)

  const second = await run([reader])
  await drained(reader)
  await second.stop()
  expect(handled).toEqual([0, 1, 2, 3, 4, 8, 9])
  const about = { group: reader.name, topic, partition: 0 }
  expect(resets).toEqual([{ ...about, from: 5n, to: 8n, reason: 'deleted' }])

  await deleteUpTo(topic, 10)
  await run([reader])
  await drained(reader)
  expect(resets).toHaveLength(1)
})

test('deleted under a running consumer: the same', async () => {
  const gate = Promise.withResolvers<void>()
  const { run, topic, reader, handled, say, resets } = await openReader({}, n => (n === 0 ? gate.promise : undefined))
  // Paused after each record, and few records fit one answer, so that most are still to be fetched.
  await run([reader], { limits: { ...defaultLimits, partitionWindow: { records: 1, bytes: 16_777_216 } } })
  await say(0, 9, 'x'.repeat(400_000))
  await until(() => handled.length > 0, { ...patience, what: 'the first record' })
  await deleteUpTo(topic, 8)
  gate.resolve()
  await until(() => handled.includes(9), { ...patience, what: 'the last record' })
  expect(resets).toMatchObject([{ to: 8n, reason: 'deleted' }])
  const { from } = resets[0]!
  expect(from).toBeLessThan(8n)
  expect(handled).toEqual([...Array.from({ length: Number(from) }, (_, n) => n), 8, 9])
})

test('a topic that is made anew under a running consumer is read from its start, and that is told', {
  timeout: 120_000,
}, async () => {
  const { admin, run, drained, topic, reader, handled, say, resets } = await openReader({ start: 'latest' })
  await run([reader])
  await say(0, 4)
  await drained(reader)
  await makeAnew(admin, topic)
  await say(100, 101)
  await until(() => handled.includes(101), { withinMs: 90_000, what: 'the new records' })
  expect(handled).toEqual([0, 1, 2, 3, 4, 100, 101])
  expect(resets.map(({ from, to }) => [from, to])).toEqual([[5n, 0n]])
})

test('told to stop, a group does not start where records are missing', async () => {
  const { admin, run, drained, topic, reader, handled, say } = await openReader({ onDataLoss: 'stop' })
  await say(0, 4)
  const first = await run([reader])
  await drained(reader)
  await first.stop()
  await say(5, 9)
  await deleteUpTo(topic, 8)
  for (let attempt = 1; attempt <= 2; attempt++) {
    const refusal = run([reader])
    await expect(refusal).rejects.toMatchObject({ code: 'E_DATA_LOST', message: expect.stringContaining(`${topic}[0] 5`) })
  }
  expect(handled).toEqual([0, 1, 2, 3, 4])
  expect(await admin.committed(reader.name, [topic])).toMatchObject([{ offset: 5n }])
})

test('told to stop, a running group ends, and the process says why', async () => {
  const gate = Promise.withResolvers<void>()
  const options = { onDataLoss: 'stop' } as const
  const { run, topic, reader, handled, say, heard } = await openReader(options, n => (n === 0 ? gate.promise : undefined))
  const failed = heard('consumer.failed')
  const running = await run([reader], { limits: { ...defaultLimits, partitionWindow: { records: 1, bytes: 16_777_216 } } })
  await say(0, 9, 'x'.repeat(400_000))
  await until(() => handled.length > 0, { ...patience, what: 'the first record' })
  await deleteUpTo(topic, 8)
  gate.resolve()
  expect(await running.failed).toMatchObject({ code: 'E_DATA_LOST' })
  expect(failed).toHaveLength(1)
  expect(handled).not.toContain(8)
})

test('told to stop, `spillway run` ends with exit code 1 and the reason', async () => {
  const { admin, prepare, put } = await openScenario()
  const journal = openJournal()
  const settings = { ...journal.settings, onDataLoss: 'stop' } as const
  const { consumer: reader, opened } = journalling(settings)
  await prepare([reader])
  const topic = opened.topic.name
  for (let n = 0; n < 3; n++) await put(topic, { value: Buffer.from('anything') })
  const child = await startChild(spillwayRun, settings)
  const committed = async () =>
    (await admin.committed(reader.name, [topic])).find(({ partition }) => partition === 0)?.offset === 3n
  await until(committed, { ...patience, what: 'the commit' })
  child.kill('SIGTERM')
  expect(await child.exited).toEqual({ code: 0, signal: null })
  for (let n = 0; n < 3; n++) await put(topic, { value: Buffer.from('anything') })
  await deleteUpTo(topic, 5)
  const again = await startChild(spillwayRun, settings)
  expect(await again.exited).toEqual({ code: 1, signal: null })
  expect(again.output.join('\n')).toContain(`${topic}[0] 3, which is gone`)
})
