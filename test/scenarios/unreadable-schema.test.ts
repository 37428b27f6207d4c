/**
 * What was written with a schema that a consumer cannot resolve lies whole in its DLQ, and says which field is in the way. It is an alarm
 * once, and not one a message; what others wrote goes on.
 */
import { avroSchema, consumer, event, on, topic } from 'spillway'
import { expect, onTestFinished, test } from 'vitest'
import { startHealth } from '../../src/process/health.ts'
import { unique } from '../unique.ts'
import { asking } from './asking.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a pair that cannot be resolved', async () => {
  const { client, signals, prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn()
  // Under another subject, where nothing forbids it: `n` is a text, as somebody else understands it.
  const Other = avroSchema<'it.Opened', { id: string; n: string }, { id: string; n: string }>({
    name: 'it.Opened',
    long: 'number',
    avro: {
      ...{ type: 'record', name: 'Opened', namespace: 'it' },
      fields: [
        { name: 'id', type: 'string' },
        { name: 'n', type: 'string' },
      ],
    },
  })
  const foreign = event(Other, { topic: topic(unique('foreign')), key: 'id' })
  const handled: string[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ id }) => void handled.push(id))], { retry: { tiers: ['100ms'] } })
  await prepare([reader], [foreign])
  const [unreadable, retried, dead] = [heard('schema.unreadable'), heard('message.retried'), heard('message.deadLettered')]
  const address = { host: '127.0.0.1', port: 0 }
  const health = await startHealth({ address, service: 'it', version: '0', processors: [reader], signals })
  onTestFinished(() => health.close())

  const value = await encode(foreign, { id: 'a', n: 'many' })
  for (let i = 0; i < 30; i++) await put(steps.name, { key: `foreign-${i}`, value, partition: i % 3 })
  await Promise.all(['b', 'c', 'd'].map(id => client.publisher(opened).publish({ id, n: 1 })))
  await run([reader])
  await drained(reader)

  expect(handled.sort()).toEqual(['b', 'c', 'd'])
  expect(retried).toEqual([])
  expect(dead).toHaveLength(30)
  const reason = expect.stringMatching(
    /^it\.Opened as written with schema id \d+ cannot be read.*: n: cannot read string as int$/,
  )
  expect(unreadable).toEqual([{ group: reader.name, type: 'it.Opened', schemaId: value.readUInt32BE(1), reason }])
  expect((await records(reader.ladder.dlq)).every(letter => letter.value!.equals(value))).toBe(true)
  const trail = { disposition: 'undecodable', attempt: 1, failure: { class: 'Undecodable', message: reason } }
  expect(await trails(reader.ladder.dlq)).toMatchObject(Array(30).fill(trail))
  const { metric } = asking(`http://127.0.0.1:${health.address.port}`)
  expect(await metric('spillway_schemas_unreadable_total', reader.name, 'type="it.Opened"')).toBe(1)
})
