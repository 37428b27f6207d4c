/**
 * A registry may know a schema a little later than the topic, so an id that it does not know is tried again over the ladder.
 * When no try is left the message is dead-lettered as undecodable. Its neighbours do not wait for it.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { connectRegistry } from '../../src/schema/registry.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'
import { startRegistryProxy } from './registry-proxy.ts'

test('an unknown schema id takes the ladder before it is dead-lettered', async () => {
  const { prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))], { retry: { tiers: ['100ms', '200ms'] } })
  await prepare([reader])
  const retried = heard('message.retried')
  const dead = heard('message.deadLettered')

  const good = await encode(opened, { id: 'a', n: 1 })
  const foreign = Buffer.from(good)
  foreign.writeUInt32BE(0x7fff_fff0, 1)
  await put(steps.name, { key: 'a', value: foreign })
  await put(steps.name, { key: 'a', value: good })
  await run([reader])
  await drained(reader)

  expect(handled).toEqual([1])
  expect(retried.map(({ tier, attempt }) => ({ tier, attempt }))).toEqual(
    reader.ladder.tiers.map(({ topic }, i) => ({ tier: topic, attempt: i + 1 })),
  )
  expect(dead).toMatchObject([{ disposition: 'undecodable', attempt: 3 }])
  expect((await records(reader.ladder.dlq)).map(({ value }) => value)).toEqual([foreign])
  expect(await trails(reader.ladder.dlq)).toMatchObject([
    { attempt: 3, disposition: 'undecodable', origin: { offset: 0n }, failure: { class: 'UnknownSchemaId' } },
  ])
})

test('a producer with a wrong registry: thousands of unknown ids open no breaker, hold nobody up and ask once', async () => {
  const { client, prepare, run, drained, heard, put, encode, trails } = await openScenario()
  const { steps, opened } = stepsOn()
  const proxy = await startRegistryProxy()
  const handled: string[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ id }) => handled.push(id))], { retry: { tiers: ['100ms', '200ms'] } })
  await prepare([reader])
  const opening = heard('breaker.opened')
  const value = await encode(opened, { id: 'a', n: 1 })
  value.writeUInt32BE(0x7fff_fff1, 1)
  const puts = Array.from({ length: 1_500 }, (_, i) => put(steps.name, { key: `wrong-${i}`, value, partition: i % 3 }))
  await Promise.all([...puts, ...['b', 'c', 'd'].map(id => client.publisher(opened).publish({ id, n: 1 }))])
  await run([reader], { registry: connectRegistry({ url: proxy.url }) })
  await drained(reader)

  expect(handled.sort()).toEqual(['b', 'c', 'd'])
  expect(opening).toEqual([])
  expect(await trails(reader.ladder.dlq)).toMatchObject(Array(1_500).fill({ disposition: 'undecodable', attempt: 3 }))
  expect(proxy.asked.filter(path => path.endsWith('/2147483633'))).toHaveLength(1)
})
