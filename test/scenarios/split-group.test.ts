/**
 * Two versions of a group of which neither reads all its topics, as in a deploy that swaps one source for another: the partitions of
 * their common tiers are one's or the other's, so a copy may land with a member that has never seen its source. Nothing is lost.
 */
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { stepsOf, stepsOn } from './messages.ts'

test('members that share tiers but no source lose no copy of each other', async () => {
  const { prepare, run, client, heard } = await openScenario()
  const sources = [stepsOn({ partitions: 4 }), stepsOn({ partitions: 4 })]
  const name = unique('split')
  const handled = new Set<string>()
  const versions = sources.map(({ steps, opened }) =>
    consumer(
      name,
      [
        on(opened, ({ id, n }, { attempt }) => {
          if (attempt < 3) throw new Error('not yet')
          handled.add(`${steps.name} ${id} ${n}`)
        }),
      ],
      { retry: { tiers: ['200ms', '500ms'] } },
    ),
  )
  const both = consumer(
    name,
    sources.map(({ opened }) => on(opened, () => {})),
    { retry: { tiers: ['200ms', '500ms'] } },
  )
  await prepare([both])
  const risks = heard('order.atRisk')
  const letters = heard('message.deadLettered')
  const skipped = heard('message.skipped')
  await Promise.all(versions.map(version => run([version])))
  await until(() => risks.length > 0, { withinMs: patienceMs, what: 'the group to be split' })
  for (const { opened } of sources)
    for (const step of stepsOf(['a', 'b', 'c', 'd', 'e', 'f'], 5)) await client.publisher(opened).publish(step)
  // A copy that comes to the member that does not read its source climbs the ladder, and may be a dead letter: never skipped.
  const ended = () => handled.size + letters.length
  await until(() => ended() >= 60, { withinMs: patienceMs, what: 'all to end' })
  expect(new Set(letters.map(({ disposition }) => disposition))).toEqual(new Set(['unhandled']))
  const dead = new Set(letters.map(({ origin }) => `${origin.topic} ${origin.partition} ${origin.offset}`))
  expect([handled.size + dead.size, skipped]).toEqual([60, []])
})
