/** What TypeScript knows of an order and of retries. Held by `tsc`. */
import type { consumer, ProcessorOptions, RetryOptions, Route, worker } from 'spillway'
import { expectTypeOf, test } from 'vitest'

test('a route answers with a duration, a time, a word, or nothing', () => {
  const routes: NonNullable<RetryOptions['route']>[] = [
    () => '5s',
    () => new Date(),
    (error, attempt) => (error instanceof TypeError && attempt > 2 ? 'dead-letter' : undefined),
    () => 'skip',
    () => {},
    // @ts-expect-error a number has no unit
    () => 5_000,
    // @ts-expect-error no such word
    () => 'retry',
    // @ts-expect-error it is asked between two tries and cannot wait
    async () => '5s',
    // @ts-expect-error attempts are numbers
    (_, attempt: string) => attempt,
  ]
  expectTypeOf(routes).toBeArray()
  expectTypeOf<Route>().toEqualTypeOf<ReturnType<NonNullable<RetryOptions['route']>>>()
  expectTypeOf<Parameters<NonNullable<RetryOptions['route']>>>().toEqualTypeOf<[error: unknown, attempt: number]>()
})

test('options are words and durations', () => {
  const options: ProcessorOptions[] = [
    { order: 'key', retry: { onExhausted: 'block', expireAfter: '7d' } },
    { order: 'none', retry: { onExhausted: 'continue', tiers: [] } },
    // @ts-expect-error no such order
    { order: 'strict' },
    // @ts-expect-error no such end
    { retry: { onExhausted: 'stop' } },
    // @ts-expect-error not how a duration is written
    { retry: { expireAfter: '15 minutes' } },
    // @ts-expect-error milliseconds are no duration either
    { retry: { tiers: [1_000] } },
  ]
  expectTypeOf(options).toBeArray()
  expectTypeOf<Parameters<typeof consumer>[2]>().toEqualTypeOf<ProcessorOptions | undefined>()
  expectTypeOf<Parameters<typeof worker>[3]>().toEqualTypeOf<ProcessorOptions | undefined>()
})
