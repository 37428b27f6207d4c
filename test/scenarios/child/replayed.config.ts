/** For `spillway replay --config`. What the handlers do stands in the `note` of each message, what else is wanted in IT_REPLAY. */
import { appendFileSync } from 'node:fs'
import { consumer, DeadLetter, defineService, on, onTombstone } from 'spillway'
import { until } from '../../until.ts'
import { stepsOn } from '../messages.ts'
import type { ReplayedSettings } from '../replays.ts'

const { topic, group, journal, partitions, tiers, concurrency, handlerMs }: ReplayedSettings = JSON.parse(process.env.IT_REPLAY!)
const { steps, opened, closed } = stepsOn({ name: topic, partitions })
const write = (...words: (string | number | boolean)[]) => appendFileSync(journal, `${words.join(' ')}\n`)

const replayed = consumer(
  group,
  [
    on(opened, async ({ id, n, note }, ctx) => {
      write('began', id, n, ctx.attempt, ctx.isReplay, ctx.group)
      if (handlerMs > 0) {
        const endsAt = performance.now() + handlerMs
        await until(() => performance.now() >= endsAt, { withinMs: 60_000, what: 'the work to be done' })
      }
      if (note === 'reject') throw new DeadLetter('no such customer')
      if (note === 'fail' || (note === 'flaky' && ctx.attempt < 3)) throw new RangeError('the bank is closed')
      if (note === 'publish') await ctx.publish(closed, { id, n })
      write('ended', id, n, ctx.attempt)
    }),
    on(closed, () => {}),
    onTombstone(steps, (id, ctx) => write('began', id, 'gone', ctx.attempt, ctx.isReplay, ctx.group)),
  ],
  { retry: { tiers }, concurrency },
)
export default defineService({ name: 'replayed', processors: [replayed] })
