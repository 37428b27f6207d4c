/**
 * A rolling deploy that adds a topic and a tier, and one that takes them away again, under load: nobody starves, nothing is handled
 * twice, and the messages of an entity succeed in their order, retries included, whichever version has its partition meanwhile.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { startLoad } from './load.ts'
import { stepsOf, stepsOn } from './messages.ts'

test('a topic and a tier come and go with the versions of a group', async () => {
  const { client, prepare, run, drained, heard, records } = await openScenario()
  const [old, added] = [stepsOn({ partitions: 4 }), stepsOn({ partitions: 4 })]
  const group = unique('rolling')
  const done: string[] = []
  const addedDone: string[] = []
  /** Every tenth fails at its first try. */
  const step = on(old.opened, ({ id, n }, { attempt }) => {
    if (attempt === 1 && n % 10 === 0) throw new Error('not yet')
    done.push(`${id} ${n}`)
  })
  /** Needs both tiers. */
  const addedStep = on(added.opened, ({ id, n }, { attempt }) => {
    if (attempt < 3) throw new Error('not yet')
    addedDone.push(`${id} ${n}`)
  })
  // All entities fail at the same numbers, which a breaker would take for an outage.
  const breaker = false
  const before = consumer(group, [step], { retry: { tiers: ['200ms'] }, breaker })
  const between = consumer(group, [step, addedStep], { retry: { tiers: ['200ms', '500ms'] }, breaker })
  const skipped = heard('message.skipped')
  await prepare([before])

  const load = startLoad(client.publisher(old.opened).publish, () => done.length)
  const goesOn = async (what: string) => {
    const count = done.length
    await until(() => done.length > count + 50, { withinMs: patienceMs, what: `work to go on ${what}` })
  }
  const replace = async (leaving: Awaited<ReturnType<typeof run>>, by: typeof before) => {
    const joined = await run([by])
    await goesOn('beside the next version')
    await leaving.stop()
    await goesOn('without the last version')
    return joined
  }
  const first = await Promise.all([run([before]), run([before])])
  await goesOn('at first')
  await prepare([between])
  const second = [await replace(first[0], between)]
  const steps = stepsOf(['x', 'y', 'z'], 5)
  await Promise.all(steps.map(one => client.publisher(added.opened).publish(one)))
  // While a process of the version before is still there, which reads neither the topic nor the tier.
  await until(() => addedDone.length === steps.length, { withinMs: patienceMs, what: 'the added topic to be handled' })
  second.push(await replace(first[1], between))
  for (const leaving of second) await replace(leaving, before)
  const published = await load.stop()
  await drained(before)

  expect([...done].sort()).toEqual([...published].sort())
  expect(addedDone.sort()).toEqual(steps.map(({ id, n }) => `${id} ${n}`).sort())
  for (const id of new Set(published.map(one => one.split(' ')[0]))) {
    const numbers = done.filter(one => one.startsWith(`${id} `)).map(one => Number(one.split(' ')[1]))
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
  }
  expect(skipped).toEqual([])
  expect(await records(between.ladder.dlq)).toEqual([])
}, 180_000)
