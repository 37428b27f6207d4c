/**
 * A job may be delayed for longer than its worker's largest tier: it goes there again and again, and never runs early. Waiting
 * uses no attempt, and a job without a delay does not wait for it.
 */
import { worker } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { newJob } from './messages.ts'

test('a job delayed for longer than the largest tier runs once, when it is due', async () => {
  const { client, prepare, run, drained, heard, trails } = await openScenario()
  const work = newJob()
  const runs: { n: number; attempt: number; atMs: number }[] = []
  const delayed = worker(
    unique('delayed'),
    work,
    ({ n }, { attempt }) => {
      runs.push({ n, attempt, atMs: Date.now() })
    },
    { retry: { tiers: ['300ms', '1s'] } },
  )
  await prepare([delayed])
  const hops = heard('message.delayed')
  await run([delayed])

  const scheduledAtMs = Date.now()
  const { schedule } = client.scheduler(work)
  await schedule({ id: 'a', n: 1 }, { delay: '3500ms' })
  await schedule({ id: 'a', n: 2 })
  await drained(delayed)

  expect(runs.map(({ n, attempt }) => ({ n, attempt }))).toEqual([
    { n: 2, attempt: 1 },
    { n: 1, attempt: 1 },
  ])
  expect(runs[1]!.atMs).toBeGreaterThanOrEqual(scheduledAtMs + 3_500)
  // Three hops of a second and then what is left, or fewer on a machine that is late.
  const [shortest, largest] = delayed.ladder.tiers
  expect(hops.slice(0, 2).map(({ tier }) => tier)).toEqual([largest!.topic, largest!.topic])
  const trail = await trails(largest!.topic)
  expect(trail.map(({ hop, attempt }) => ({ hop, attempt }))).toEqual(trail.map((_, i) => ({ hop: i + 1, attempt: 0 })))
  expect(new Set([...trail, ...(await trails(shortest!.topic))].map(({ untilMs }) => untilMs))).toHaveProperty('size', 1)
  expect(trail.every(({ failure }) => failure === undefined)).toBe(true)
})

test('where jobs are ordered, the later ones of its entity wait for it, and those of others do not', async () => {
  const { client, prepare, run, drained, heard } = await openScenario()
  const work = newJob()
  const runs: { step: string; atMs: number }[] = []
  const ordered = worker(unique('ordered'), work, ({ id, n }) => void runs.push({ step: `${id} ${n}`, atMs: Date.now() }), {
    order: 'key',
    retry: { tiers: ['300ms', '1s'] },
  })
  await prepare([ordered])
  const hops = heard('message.delayed')
  await run([ordered])

  const scheduledAtMs = Date.now()
  const { schedule } = client.scheduler(work)
  await schedule({ id: 'a', n: 1 }, { delay: '2500ms' })
  for (const [id, n] of [
    ['a', 2],
    ['b', 1],
    ['a', 3],
  ] as const)
    await schedule({ id, n })
  await drained(ordered)

  expect(runs.map(({ step }) => step)).toEqual(['b 1', 'a 1', 'a 2', 'a 3'])
  expect(runs[1]!.atMs).toBeGreaterThanOrEqual(scheduledAtMs + 2_500)
  expect(hops.length).toBeGreaterThan(1)
})
