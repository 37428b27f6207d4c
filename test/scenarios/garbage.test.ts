/**
 * Bytes that are no message of ours are dead-lettered at once, as they are, whatever they are: no tier, no handler, and what
 * comes after them is handled.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('garbage bytes become dead letters and the consumer goes on', async () => {
  const { prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { retry: { tiers: ['100ms'] } })
  await prepare([reader])
  const retried = heard('message.retried')
  const dead = heard('message.deadLettered')

  const good = await encode(opened, { id: 'a', n: 1, note: 'a text' })
  const garbage = [
    Buffer.alloc(0),
    Buffer.from([0]),
    Buffer.from([0, 0, 0]),
    good.subarray(0, 4),
    good.subarray(0, 5),
    good.subarray(0, good.length - 1),
    Buffer.concat([good, Buffer.from([1])]),
    Buffer.from('{"id":"a","n":1}'),
    Buffer.concat([Buffer.from([1]), good.subarray(1)]),
    // A text that claims to be 2^62 bytes long.
    Buffer.concat([good.subarray(0, 5), Buffer.from('feffffffffffffffff01', 'hex')]),
  ]
  for (const value of garbage) await put(steps.name, { key: 'a', value, headers: [['from', Buffer.from('elsewhere')]] })
  await put(steps.name, { value: Buffer.from('no key') })
  await put(steps.name, { key: 'a', value: good })
  await run([reader])
  await drained(reader)

  expect(handled).toEqual([1])
  const letters = await records(reader.ladder.dlq)
  const byKey = (key: string | undefined) => letters.filter(letter => letter.key?.toString() === key)
  expect(byKey('a').map(({ value }) => value?.toString('hex'))).toEqual(garbage.map(value => value.toString('hex')))
  expect(byKey('a').every(({ headers }) => headers[0]![0] === 'from')).toBe(true)
  expect(byKey(undefined).map(({ value }) => value?.toString())).toEqual(['no key'])
  const expected = { attempt: 1, disposition: 'undecodable', failure: { class: 'Undecodable' } }
  expect(await trails(reader.ladder.dlq)).toMatchObject(Array(garbage.length + 1).fill(expected))
  expect(dead).toHaveLength(garbage.length + 1)
  expect(retried).toEqual([])
})
