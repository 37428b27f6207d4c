/** Skip finishes a message without an effect; DeadLetter ends it at once, with the handler's reason. Neither is tried again. */
import { consumer, DeadLetter, on, Skip } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a handler ends a message by Skip or DeadLetter at its first try', async () => {
  const { client, prepare, run, drained, heard, records, trails } = await openScenario()
  const { opened } = stepsOn()
  const tries: number[] = []
  const strict = consumer(
    unique('strict'),
    [
      on(opened, ({ n }) => {
        tries.push(n)
        if (n === 1) throw new Skip('seen before')
        if (n === 2) throw new DeadLetter('no such product')
      }),
    ],
    { retry: { tiers: ['100ms'] } },
  )
  await prepare([strict])
  const skipped = heard('message.skipped')
  const dead = heard('message.deadLettered')
  const done = heard('message.done')
  await run([strict])
  for (const n of [1, 2, 3]) await client.publisher(opened).publish({ id: 'a', n })
  await drained(strict)

  expect(tries).toEqual([1, 2, 3])
  expect(skipped).toMatchObject([{ reason: 'requested', detail: 'seen before', attempt: 1, origin: { offset: 0n } }])
  expect(dead).toMatchObject([{ disposition: 'rejected', attempt: 1, origin: { offset: 1n } }])
  expect(done).toMatchObject([{ origin: { offset: 2n } }])
  expect(await records(strict.ladder.tiers[0]!.topic)).toEqual([])
  expect(await trails(strict.ladder.dlq)).toMatchObject([
    { attempt: 1, disposition: 'rejected', failure: { class: 'DeadLetter', message: 'no such product' } },
  ])
})
