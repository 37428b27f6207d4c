/** What TypeScript knows of tombstones. Held by `tsc`. */
import {
  type Client,
  type Context,
  consumer,
  type EventDefinition,
  type JobDefinition,
  on,
  onTombstone,
  type Topic,
  type worker,
} from 'spillway'
import { expectTypeOf, test } from 'vitest'

declare const customers: Topic
declare const changed: EventDefinition<{ id: string }, { id: string }>
declare const welcome: JobDefinition<{ id: string }, { id: string }>
declare const client: Client

test('a handler of tombstones gets the key as text', () => {
  onTombstone(customers, (key, ctx) => {
    expectTypeOf(key).toEqualTypeOf<string>()
    expectTypeOf(ctx).toEqualTypeOf<Context>()
  })
  consumer('mirror', [on(changed, () => {}), onTombstone(changed.topic, async () => {})])
  // @ts-expect-error a topic, as a tombstone does not say which of its types it was
  onTombstone(changed, () => {})
  // @ts-expect-error a topic, not its name
  onTombstone('retail.customers', () => {})
  // @ts-expect-error there is no payload
  onTombstone(customers, (payload: { id: string }) => payload)
  // @ts-expect-error a job is no entity
  const refused: Parameters<typeof worker<{ id: string }, { id: string }>>[2] = onTombstone(customers, () => {})
  expectTypeOf(refused).not.toBeAny()
  expectTypeOf(welcome.kind).toEqualTypeOf<'job'>()
})

test('a tombstone is published by its key', () => {
  void client.publisher(changed).publishTombstone('c-1', { correlationId: 'x' })
  void client.publisher(changed).publishTombstone(17n)
  // @ts-expect-error by the key, not by a payload
  void client.publisher(changed).publishTombstone({ id: 'c-1' })
  // @ts-expect-error a job is no entity
  void client.scheduler(welcome).publishTombstone('c-1')
})
