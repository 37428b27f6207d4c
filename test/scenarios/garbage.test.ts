/**
 * Bytes that are no message of ours are dead-lettered at once, as they are, whatever they are: no tier, no handler, and what
 * comes after them is handled.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a value whose schema is named by a GUID is told for what it is, and what to set', async () => {
  const { prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened, closed } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { retry: { tiers: ['100ms'] } })
  await prepare([reader], [closed])
  const retried = heard('message.retried')
  const skipped = heard('message.skipped')

  const good = await encode(opened, { id: 'a', n: 1, note: '' })
  const guid = Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 0xab)])
  const inHeader = [['__value_schema_id', guid]] as const
  const bare = [
    good.subarray(5),
    // It begins like an id: one that nobody has, and one of another type.
    Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 2]),
    await encode(closed, { id: 'a', n: 1, note: '' }),
  ]
  for (const value of bare) await put(steps.name, { key: 'a', value, headers: inHeader })
  await put(steps.name, { key: 'a', value: Buffer.concat([guid, good.subarray(5)]) })
  // The header alone is no reason: whoever writes both can be read.
  await put(steps.name, { key: 'a', value: good, headers: inHeader })
  await run([reader])
  await drained(reader)

  expect(handled).toEqual([1])
  expect(await records(reader.ladder.dlq)).toHaveLength(4)
  const found = await trails(reader.ladder.dlq)
  expect(found).toMatchObject(Array(4).fill({ attempt: 1, disposition: 'undecodable' }))
  for (const { failure } of found) expect(failure?.message).toMatch(/GUID.*schema\.id\.serializer/s)
  expect(found.filter(({ failure }) => failure?.message.includes('__value_schema_id'))).toHaveLength(3)
  expect([retried, skipped]).toEqual([[], []])
})

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
