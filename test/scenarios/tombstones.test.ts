/**
 * A tombstone says that an entity is gone. A consumer that takes the tombstones of a topic gets its key, in the order of the entity, and
 * a failing one goes the way of every message without becoming anything else: over the ladder, into the DLQ, and back. Other consumers
 * skip and count it.
 */
import { consumer, on, onTombstone } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('in order, over the ladder, into the DLQ and back', async () => {
  const { client, prepare, run, drained, redrive, heard, put, records, trails } = await openScenario()
  const { steps, opened } = stepsOn()
  let mended = false
  const handled: string[] = []
  const deleting = consumer(
    unique('deleting'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        if (n === 1 && attempt === 1) throw new Error('not yet')
        handled.push(`${id} ${n}`)
      }),
      onTombstone(steps, (key, { attempt, type, id, redriveCount }) => {
        if (key === 'b' && !mended) throw new Error('cannot be deleted')
        handled.push(`${key} gone ${type} ${attempt} ${redriveCount} ${id}`)
      }),
    ],
    { retry: { tiers: ['100ms', '200ms'] } },
  )
  const other = consumer(unique('other'), [on(opened, () => {})])
  const strict = consumer(unique('strict'), [on(opened, () => {})], { unhandled: 'dead-letter' })
  await prepare([deleting, other, strict])
  const skipped = heard('message.skipped')
  const dead = heard('message.deadLettered')
  const publisher = client.publisher(opened)
  for (const id of ['a', 'b']) {
    await publisher.publish({ id, n: 1 })
    await publisher.publishTombstone(id, { id: `gone-${id}` })
    await publisher.publish({ id, n: 2 })
  }
  // From elsewhere: one without headers, and one that is of nobody.
  await put(steps.name, { key: 'c', value: null })
  await put(steps.name, { value: null })
  await run([deleting, other, strict])
  await Promise.all([deleting, other, strict].map(drained))

  const of = (key: string) => handled.filter(line => line.startsWith(key))
  expect(of('a')).toEqual(['a 1', 'a gone tombstone 1 0 gone-a', 'a 2'])
  expect(of('b')).toEqual(['b 1', 'b 2'])
  expect(of('c')).toEqual([`c gone tombstone 1 0 ${steps.name}/0/${(await lastOf(records, steps.name, 'c')).offset}`])
  expect(skipped.filter(({ group }) => group === other.name)).toMatchObject(
    Array(4).fill({ reason: 'unhandled', detail: 'tombstone', type: 'tombstone' }),
  )
  expect(dead.filter(({ group }) => group === strict.name)).toMatchObject(
    Array(4).fill({ disposition: 'unhandled', type: 'tombstone' }),
  )

  const published = await lastOf(records, steps.name, 'b', ({ value }) => value === null)
  const [letter] = (await records(deleting.ladder.dlq)).filter(({ key }) => key?.toString() === 'b')
  expect(letter).toMatchObject({ key: published.key, value: null })
  expect((await trails(deleting.ladder.dlq)).map(({ disposition }) => disposition).sort()).toEqual(['exhausted', 'undecodable'])
  const copies = await Promise.all(deleting.ladder.tiers.map(({ topic }) => records(topic)))
  expect(copies.flat().filter(({ value }) => value === null)).toHaveLength(2)

  mended = true
  expect(await redrive(deleting.name)).toMatchObject({ moved: 2, stayed: 0 })
  await drained(deleting)
  expect(of('b').slice(2)).toEqual(['b gone tombstone 1 1 gone-b'])
})

async function lastOf<R extends { key: Buffer | null; value: Buffer | null; offset: bigint }>(
  records: (topic: string) => Promise<R[]>,
  topic: string,
  key: string,
  which: (record: R) => boolean = () => true,
): Promise<R> {
  return (await records(topic)).filter(record => record.key?.toString() === key && which(record)).at(-1)!
}
