/**
 * A failed message is finished only when its copy is acknowledged. While a tier or the DLQ cannot be written its partition
 * waits: nothing is committed past it, nothing is lost, and it goes on by itself when writing works again.
 */
import { consumer, DeadLetter, on } from 'spillway'
import { expect, test } from 'vitest'
import type { Broker } from '../../src/broker/port.ts'
import { BrokerUnavailable } from '../../src/errors.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOn } from './messages.ts'

/** The broker, but for writes to what is in `broken`. */
function withBroken(broker: Broker, broken: ReadonlySet<string>): Broker {
  const producer = () => {
    const real = broker.producer()
    const sendBatch: typeof real.sendBatch = async (topic, ...batch) => {
      if (broken.has(topic)) throw new BrokerUnavailable(`${topic} cannot be written`)
      return real.sendBatch(topic, ...batch)
    }
    return { ...real, sendBatch }
  }
  return { ...broker, producer }
}

test.each(['tier', 'dlq'] as const)('a %s that cannot be written makes the partition wait', async where => {
  const { broker, admin, client, prepare, run, drained, heard, records } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: string[] = []
  const reader = consumer(
    unique('reader'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        if (id === 'bad' && where === 'dlq') throw new DeadLetter('never')
        if (id === 'bad' && attempt === 1) throw new Error('not yet')
        handled.push(`${id}${n}`)
      }),
    ],
    { retry: { tiers: ['100ms'] } },
  )
  await prepare([reader])
  const target = where === 'dlq' ? reader.ladder.dlq : reader.ladder.tiers[0]!.topic
  const broken = new Set([target])
  const [blocked, unblocked] = [heard('partition.blocked'), heard('partition.unblocked')]
  await run([reader], { broker: withBroken(broker, broken) })
  const publish = (id: string, n: number) => client.publisher(opened).publish({ id, n })
  const committed = async () => (await admin.committed(reader.name, [steps.name]))[0]!.offset

  await publish('good', 1)
  await publish('bad', 2)
  await publish('good', 3)
  await until(() => blocked.length >= 2, { withinMs: patienceMs, what: 'the copy to be tried twice' })
  await publish('good', 4)
  await until(async () => (await committed()) === 1n, { withinMs: patienceMs, what: 'the first message to be committed' })
  await until(() => blocked.length >= 4, { withinMs: patienceMs, what: 'the copy to be tried again' })
  expect(await committed()).toBe(1n)
  expect(blocked).toMatchObject(Array(blocked.length).fill({ topic: steps.name, partition: 0, reason: 'produce' }))
  expect(await records(target)).toEqual([])

  broken.clear()
  await drained(reader)
  expect(await committed()).toBe(4n)
  expect(await records(target)).toHaveLength(1)
  expect(handled.sort()).toEqual([...(where === 'tier' ? ['bad2'] : []), 'good1', 'good3', 'good4'])
  // Blocked from the first failure until the copy is written, however often that was tried.
  expect(unblocked).toHaveLength(1)
})
