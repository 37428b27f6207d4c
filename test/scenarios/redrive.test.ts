/**
 * Messages that fail at every try become dead letters, as they were published. When the handler is mended, a redrive brings
 * them back to the group that failed them and to no other, once: a second redrive finds nothing.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

test('exhausted messages are redriven to the group that failed them, once', async () => {
  const { client, prepare, run, drained, redrive, heard, records, trails } = await openScenario()
  const { opened } = stepsOn()
  let mended = false
  const handled: { id: string; n: number; attempt: number; redriveCount: number }[] = []
  const seenByOther: string[] = []
  const failing = consumer(
    unique('failing'),
    [
      on(opened, ({ id, n }, { attempt, redriveCount }) => {
        if (id === 'bad' && !mended) throw new Error('a bug')
        handled.push({ id, n, attempt, redriveCount })
      }),
    ],
    { retry: { tiers: ['100ms', '200ms'] } },
  )
  const other = consumer(unique('other'), [on(opened, ({ id, n }) => seenByOther.push(`${id}${n}`))])
  await prepare([failing, other])
  const dead = heard('message.deadLettered')
  await run([failing, other])
  const steps = stepsOf(['bad', 'good'], 3)
  for (const step of steps) await client.publisher(opened).publish(step)
  await Promise.all([drained(failing), drained(other)])

  expect(handled.map(({ id, n }) => `${id}${n}`)).toEqual(['good1', 'good2', 'good3'])
  expect(dead).toMatchObject(Array(3).fill({ group: failing.name, disposition: 'exhausted', attempt: 3 }))
  const letters = await records(failing.ladder.dlq)
  const published = (await records(opened.topic.name)).filter(({ key }) => key!.toString() === 'bad')
  expect(letters.map(({ value }) => value)).toEqual(published.map(({ value }) => value))
  expect(await trails(failing.ladder.dlq)).toMatchObject(Array(3).fill({ attempt: 3, disposition: 'exhausted' }))

  mended = true
  expect(await redrive(failing.name)).toMatchObject({ moved: 3, stayed: 0 })
  await drained(failing)
  const redriven = handled.filter(({ id }) => id === 'bad')
  expect(redriven).toEqual([1, 2, 3].map(n => ({ id: 'bad', n, attempt: 1, redriveCount: 1 })))

  expect(await redrive(failing.name)).toMatchObject({ moved: 0, stayed: 0 })
  await Promise.all([drained(failing), drained(other)])
  expect(handled).toHaveLength(6)
  expect(seenByOther.sort()).toEqual(steps.map(({ id, n }) => `${id}${n}`).sort())
})
