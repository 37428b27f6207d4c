/**
 * A group reads several topics of different partition counts, with the same entity keys in all of them, and entities fail in each,
 * while its processes become three and one again: of every entity and topic the messages succeed in the order in which they were
 * published, each once.
 */
import { consumer, on, RetryLater } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startLoad } from './load.ts'
import { stepsOn } from './messages.ts'

const patience = { withinMs: patienceMs }

/** How often a message fails before it succeeds. Neighbours fail too: a chain of an entity. */
function failuresOf(id: string, n: number): number {
  const dice = (Number(id.split('-')[1]) * 7 + n) % 20
  return dice === 0 ? 2 : dice === 1 || dice === 5 ? 1 : 0
}

test('several topics keep the order of each entity while processes come and go', async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const sources = [2, 3, 5].map(partitions => stepsOn({ partitions }).opened)
  const succeeded: { topic: string; id: string; n: number }[] = []
  const subscriptions = sources.map(source =>
    on(source, ({ id, n }, { attempt, origin: { topic } }) => {
      // A word for each entity: one error of many entities at once would be taken for an outage.
      if (attempt <= failuresOf(id, n)) throw new Error(`not yet ${'x'.repeat(Number(id.split('-')[1]))}`)
      succeeded.push({ topic, id, n })
    }),
  )
  const reader = consumer(unique('several'), subscriptions, { retry: { tiers: ['200ms', '500ms'] } })
  await prepare([reader])
  const [retried, atRisk] = [heard('message.retried'), heard('order.atRisk')]

  const publishers = sources.map(source => client.publisher(source))
  const load = startLoad(
    step => Promise.all(publishers.map(({ publish }) => publish(step))),
    () => Math.floor(succeeded.length / sources.length),
  )
  const goesOn = async (what: string) => {
    const [done, failed] = [succeeded.length, retried.length]
    await until(() => succeeded.length > done + 500 && retried.length > failed + 50, {
      ...patience,
      what: `work to go on ${what}`,
    })
  }
  const one = await run([reader])
  await goesOn('in one process')
  const [two, three] = await Promise.all([run([reader]), run([reader])])
  await goesOn('in three')
  await one.stop()
  await goesOn('without the first')
  await three.stop()
  await goesOn('in one again')
  const published = await load.stop()
  await drained(reader)
  await two.stop()

  for (const { topic } of sources) {
    const ofTopic = succeeded.filter(step => step.topic === topic.name)
    expect(ofTopic.map(({ id, n }) => `${id} ${n}`).sort()).toEqual([...published].sort())
    for (const steps of Map.groupBy(ofTopic, ({ id }) => id).values())
      expect(steps.map(({ n }) => n)).toEqual(steps.map((_, i) => i + 1))
  }
  expect(atRisk).toEqual([])
  expect(await records(reader.ladder.dlq)).toEqual([])
}, 180_000)

test('an entity that waits in one topic keeps nobody waiting in another, though the key is the same', async () => {
  const { client, prepare, run, drained } = await openScenario()
  const [failing, other] = [stepsOn({ partitions: 1 }).opened, stepsOn({ partitions: 1 }).opened]
  const handled: string[] = []
  const reader = consumer(
    unique('apart'),
    [
      on(failing, ({ n }) => {
        if (n === 1 && !handled.includes('other 3')) throw new RetryLater('200ms')
        handled.push(`failing ${n}`)
      }),
      on(other, ({ id, n }) => void (id === 'a' && handled.push(`other ${n}`))),
    ],
    { retry: { tiers: ['200ms'] } },
  )
  await prepare([reader])
  // In the other topic its messages have larger offsets.
  for (let n = 1; n <= 5; n++) await client.publisher(other).publish({ id: 'b', n })
  for (const n of [1, 2, 3]) for (const one of [failing, other]) await client.publisher(one).publish({ id: 'a', n })
  await run([reader])
  await drained(reader)
  expect(handled.filter(step => step.startsWith('other'))).toEqual([1, 2, 3].map(n => `other ${n}`))
  expect(handled.slice(-3)).toEqual([1, 2, 3].map(n => `failing ${n}`))
})
