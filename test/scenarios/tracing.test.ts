/**
 * One trace through publish, handler, publish, handler, with a retry between: both attempts hang under the publisher's span, and
 * what the second one publishes, an event and a job, under the second one. The copy of the retry carries what the message carried.
 */
import { SpanStatusCode } from '@opentelemetry/api'
import { consumer, on, worker } from 'spillway'
import { activeTraceparent, tracing } from 'spillway/tracing'
import { expect, test } from 'vitest'
import { headerText } from '../../src/message/headers.ts'
import { activeContexts, collectSpans } from '../middleware/spans.ts'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { newJob, stepsOn } from './messages.ts'

activeContexts()

test('a chain of messages with a retry in it is one trace', async () => {
  const { prepare, run, drained, records, client } = await openScenario()
  const [{ steps, opened, closed }, work] = [stepsOn(), newJob()]
  const { tracer, ended } = collectSpans()
  const options = { retry: { tiers: ['200ms'] }, middleware: [tracing({ tracer })] } as const
  const closing = consumer(
    unique('closing'),
    [
      on(opened, async ({ id, n }, { attempt, publish, schedule }) => {
        if (attempt === 1) throw new RangeError('the bank is closed')
        await publish(closed, { id, n })
        await schedule(work, { id, n })
      }),
    ],
    options,
  )
  const archive = consumer(unique('archive'), [on(closed, () => {})], options)
  const working = worker(unique('working'), work, () => {}, options)
  const all = [closing, archive, working]
  await prepare(all)
  await run(all)
  const traceparent = await tracer.startActiveSpan('place an order', async span => {
    const carried = activeTraceparent()!
    await client.publisher(opened).publish({ id: 'a', n: 1 }, { traceparent: carried })
    span.end()
    return carried
  })
  for (const processor of all) await drained(processor)

  const spanOf = (group: string, attempt: number) => {
    const found = ended().filter(
      ({ attributes }) => attributes['messaging.consumer.group.name'] === group && attributes['spillway.attempt'] === attempt,
    )
    expect(found).toHaveLength(1)
    return found[0]!
  }
  const [placing, failed, succeeded] = [ended()[0]!, spanOf(closing.name, 1), spanOf(closing.name, 2)]
  const [archived, worked] = [spanOf(archive.name, 1), spanOf(working.name, 1)]
  expect(ended()).toHaveLength(5)
  expect(new Set(ended().map(span => span.spanContext().traceId)).size).toBe(1)
  const parents = [failed, succeeded, archived, worked].map(span => span.parentSpanContext?.spanId)
  const [placingId, succeededId] = [placing, succeeded].map(span => span.spanContext().spanId)
  expect(parents).toEqual([placingId, placingId, succeededId, succeededId])
  expect([failed, succeeded].map(({ name, status }) => [name, status.code])).toEqual([
    [`process ${steps.name}`, SpanStatusCode.ERROR],
    [`process ${steps.name}`, SpanStatusCode.UNSET],
  ])
  expect(failed.attributes['error.type']).toBe('RangeError')
  const [copy] = await records(closing.ladder.tiers[0]!.topic)
  expect(headerText(copy!.headers, 'traceparent')).toBe(traceparent)
})
