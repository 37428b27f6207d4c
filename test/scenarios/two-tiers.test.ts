/**
 * A message fails twice and succeeds at its third try: from the source through two tiers, never before its due time. Its bytes
 * and headers, those of a foreign producer too, stay as they were; the trail tells where it came from and what went wrong.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { withoutTrail } from '../../src/topic/trail.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a message that fails twice succeeds after two tiers', async () => {
  const { prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 2 })
  const tries: { attempt: number; id: string; n: number; atMs: number }[] = []
  const flaky = consumer(
    unique('flaky'),
    [
      on(opened, ({ n }, { attempt, id }) => {
        tries.push({ attempt, id, n, atMs: Date.now() })
        if (attempt < 3) throw new RangeError(`the bank is closed, try ${attempt}`)
      }),
    ],
    { retry: { tiers: ['200ms', '500ms'] } },
  )
  await prepare([flaky])
  const done = heard('message.done')
  const value = await encode(opened, { id: 'a', n: 7 })
  const headers = [
    ['trace', Buffer.from('one')],
    ['nothing', null],
    ['trace', Buffer.from([0xff, 0x00])],
    ['ce_id', Buffer.from('id-1')],
  ] as const
  await put(steps.name, { key: 'a', value, headers, partition: 1 })
  await run([flaky])
  await drained(flaky)

  expect(tries).toMatchObject([1, 2, 3].map(attempt => ({ attempt, id: 'id-1', n: 7 })))
  expect(done).toMatchObject([{ attempt: 3, id: 'id-1' }])
  const [source] = await records(steps.name)
  const waits = [200, 500]
  for (const [i, { topic }] of flaky.ladder.tiers.entries()) {
    const [copy] = await records(topic)
    expect(copy).toMatchObject({ partition: 1, key: Buffer.from('a'), value })
    expect(withoutTrail(copy!.headers)).toEqual(headers)
    const [trail] = await trails(topic)
    expect(trail).toMatchObject({
      origin: { topic: steps.name, partition: 1, offset: 0n, timestampMs: source!.timestampMs },
      group: flaky.name,
      attempt: i + 1,
      hop: i + 1,
      redriveCount: 0,
      failure: { class: 'RangeError', message: `the bank is closed, try ${i + 1}` },
    })
    expect(trail!.dueAtMs).toBeGreaterThanOrEqual(tries[i]!.atMs + waits[i]!)
    expect(tries[i + 1]!.atMs).toBeGreaterThanOrEqual(trail!.dueAtMs!)
    expect(trail!.firstFailedAtMs).toBeGreaterThanOrEqual(tries[0]!.atMs)
    expect(trail!.firstFailedAtMs).toBeLessThanOrEqual(tries[1]!.atMs)
  }
  expect(await records(flaky.ladder.dlq)).toEqual([])
})
