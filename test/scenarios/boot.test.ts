/** A process creates no topics. It refuses to start without those it needs, or with too few partitions, and says what to do. */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a process whose topics are missing or too small does not start', async () => {
  const { admin, client, prepare, run, drained } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 2 })
  const handled: number[] = []
  const group = unique('boot')
  const reader = consumer(group, [on(opened, ({ n }) => handled.push(n))], { retry: { tiers: ['1s'] } })
  const refusal = () =>
    run([reader]).then(
      () => 'it started',
      (error: { code: string; message: string }) => error,
    )
  const create = (name: string, partitions: number) =>
    admin.createTopics([{ name, partitions, replicationFactor: 1, config: {} }])

  const nothing = await refusal()
  expect(nothing).toMatchObject({ code: 'E_TOPICS_MISSING', message: expect.stringContaining('spillway topic apply') })
  for (const topic of [steps.name, `${group}.retry.1s`, `${group}.retry.0s`, `${group}.dlq`])
    expect(nothing).toMatchObject({ message: expect.stringContaining(`topic ${topic} does not exist`) })
  expect(await admin.topics([steps.name, `${group}.dlq`])).toEqual([])

  await create(steps.name, 2)
  await create(`${group}.retry.1s`, 1)
  await create(`${group}.retry.0s`, 2)
  await create(`${group}.dlq`, 1)
  const small = await refusal()
  expect(small).toMatchObject({ code: 'E_TOPICS_MISSING' })
  for (const topic of [`${group}.retry.1s`, `${group}.dlq`])
    expect(small).toMatchObject({ message: expect.stringContaining(`topic ${topic} has 1 partitions and needs 2`) })

  await Promise.all([admin.addPartitions(`${group}.retry.1s`, 2), admin.addPartitions(`${group}.dlq`, 2)])
  await prepare([reader])
  await run([reader])
  await client.publisher(opened).publish({ id: 'a', n: 1 })
  await drained(reader)
  expect(handled).toEqual([1])
})
