/** Headers of unknown origin go with every copy as they came: through two tiers into the DLQ, and back to the group that failed. */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import type { Headers } from '../../src/message/headers.ts'
import { runRedrive } from '../../src/redrive/run.ts'
import { withoutTrail } from '../../src/topic/trail.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

const headers: Headers = [
  ['__proto__', Buffer.from('{"polluted":true}')],
  ['z', Buffer.from('first')],
  ['nothing', null],
  ['empty', Buffer.alloc(0)],
  ['constructor', Buffer.from('c')],
  ['z', null],
  ['binary', Buffer.from([0, 255, 254, 0x80, 10, 13])],
  ['', Buffer.from('a name of no letters')],
  ['größe', Buffer.from('ü')],
  ['z', Buffer.from('third')],
  ['__proto__', null],
  ['toString', Buffer.from('t')],
  ['7', Buffer.from('a name like an index')],
  ['x-long', Buffer.alloc(20_000, 0xaa)],
  ['Spillway-Origin-Topic', Buffer.from('not ours: names are told apart by case')],
]

test('null values, doubles, binary and names like __proto__ survive every hop unchanged', async () => {
  const { broker, admin, prepare, run, drained, put, encode, records } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 2 })
  let isMended = false
  const handled: { attempt: number; redriveCount: number; origin: object }[] = []
  const reader = consumer(
    unique('reader'),
    [
      on(opened, (_, { attempt, redriveCount, origin }) => {
        if (!isMended) throw new Error('not yet')
        handled.push({ attempt, redriveCount, origin })
      }),
    ],
    { retry: { tiers: ['100ms', '200ms'] } },
  )
  await prepare([reader])
  const value = await encode(opened, { id: 'a', n: 1 })
  await put(steps.name, { key: 'a', value, headers, partition: 1 })
  await run([reader])
  await drained(reader)
  isMended = true
  const how = { runId: 'run-1', who: 'ops', reason: 'mended' }
  await runRedrive(
    { reader: broker.reader(), admin, group: reader.name },
    broker.transactionalProducer(`${reader.name}.redrive`),
    how,
  )
  await until(() => handled.length === 1, { withinMs: patienceMs, what: 'the letter to be handled' })

  const { tiers, dlq, immediate } = reader.ladder
  for (const name of [steps.name, tiers[0]!.topic, tiers[1]!.topic, dlq, immediate.topic]) {
    const found = await records(name)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ partition: 1, key: Buffer.from('a'), value })
    expect(withoutTrail(found[0]!.headers)).toEqual(headers)
    // And the trail is behind them, each of its names once.
    const trail = found[0]!.headers.slice(headers.length).map(([header]) => header)
    expect(trail.every(header => header.startsWith('spillway-'))).toBe(true)
    expect(new Set(trail).size).toBe(trail.length)
  }
  expect(handled).toMatchObject([{ attempt: 1, redriveCount: 1, origin: { topic: steps.name, partition: 1, offset: 0n } }])
  expect({}).not.toHaveProperty('polluted')
})
