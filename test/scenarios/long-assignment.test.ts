/** An assignment lasts for weeks. What each batch that is handed over leaves behind, however little, is a leak. */
import { queryObjects } from 'node:v8'
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('what was handled, or failed and was retried, leaves no promise behind', async () => {
  const { client, prepare, run, drained } = await openScenario()
  const { opened } = stepsOn({ partitions: 1 })
  let handled = Promise.withResolvers<void>()
  const handler = on(opened, async ({ n }: { n: number }, { attempt }) => {
    handled.resolve()
    if (n % 5 === 0 && attempt === 1) throw new Error('it works the second time')
  })
  const reader = consumer(unique('reader'), [handler], { retry: { tiers: ['100ms'] }, breaker: false })
  await prepare([reader])
  await run([reader])
  const publisher = client.publisher(opened)
  let published = 0
  /** Each is fetched by itself, as the next one is written when it has begun. */
  const batches = async (count: number): Promise<void> => {
    for (const end = published + count; published < end; published++) {
      handled = Promise.withResolvers<void>()
      await publisher.publish({ id: `entity ${published}`, n: published })
      await handled.promise
    }
    await drained(reader)
  }
  await batches(200)
  const before = promises()
  await batches(600)
  expect(promises() - before).toBeLessThan(100)
})

/** After a full collection. */
function promises(): number {
  return queryObjects(Promise, { format: 'count' })
}
