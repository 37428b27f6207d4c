/** A topic may carry types that a consumer has no handler for: it skips and counts them, or, told so, dead-letters them. */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'

test('a message without a handler is skipped, or dead-lettered where the consumer says so', async () => {
  const { client, prepare, run, drained, heard, records, trails } = await openScenario()
  const { opened, closed } = stepsOn()
  const handled: string[] = []
  const handle = (group: string) => [on(opened, ({ n }: { n: number }) => handled.push(`${group} ${n}`))]
  const lenient = consumer(unique('lenient'), handle('lenient'))
  const strict = consumer(unique('strict'), handle('strict'), { unhandled: 'dead-letter' })
  await prepare([lenient, strict], [closed])
  const skipped = heard('message.skipped')
  const dead = heard('message.deadLettered')
  await run([lenient, strict])
  await client.publisher(opened).publish({ id: 'a', n: 1 })
  await client.publisher(closed).publish({ id: 'a', n: 2 })
  await client.publisher(opened).publish({ id: 'a', n: 3 })
  await Promise.all([drained(lenient), drained(strict)])

  expect(handled.sort()).toEqual(['lenient 1', 'lenient 3', 'strict 1', 'strict 3'])
  expect(skipped).toMatchObject([{ group: lenient.name, reason: 'unhandled', detail: 'it.Closed', type: 'it.Closed' }])
  expect(dead).toMatchObject([{ group: strict.name, disposition: 'unhandled', type: 'it.Closed' }])
  expect(await records(lenient.ladder.dlq)).toEqual([])
  expect(await trails(strict.ladder.dlq)).toMatchObject([{ disposition: 'unhandled', origin: { offset: 1n } }])
})
