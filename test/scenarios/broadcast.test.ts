/**
 * Two groups read one topic. Each handles every message once, at its own pace: one that fails and retries holds up nothing of
 * the other, and none of its copies reach it.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

test('every group handles every message', async () => {
  const { client, prepare, run, drained, heard } = await openScenario()
  const { opened } = stepsOn()
  const handled = { spend: [] as string[], stock: [] as string[] }
  const spend = consumer(unique('spend'), [on(opened, ({ id, n }) => handled.spend.push(`${id}${n}`))])
  const stock = consumer(
    unique('stock'),
    [
      on(opened, ({ id, n }, { attempt }) => {
        if (n === 2 && attempt === 1) throw new Error('out of stock')
        handled.stock.push(`${id}${n}`)
      }),
    ],
    { retry: { tiers: ['200ms'] } },
  )
  await prepare([spend, stock])
  const retried = heard('message.retried')
  await run([spend, stock])

  const steps = stepsOf(['a', 'b', 'c', 'd'], 25)
  await Promise.all(steps.map(step => client.publisher(opened).publish(step)))
  await Promise.all([drained(spend), drained(stock)])

  const all = steps.map(({ id, n }) => `${id}${n}`).sort()
  expect(handled.spend.sort()).toEqual(all)
  expect(handled.stock.sort()).toEqual(all)
  expect(retried.map(({ group }) => group)).toEqual(Array(4).fill(stock.name))
})
