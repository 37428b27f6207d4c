/**
 * In a replay a failing record is tried again in its lane, with the group's delays: what follows it in its entity waits, everything
 * else flows. What is given up is in a file with every byte of it, and the exit code says so; no topic has it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { items, openReplays } from './replays.ts'

interface Line {
  readonly v: number
  readonly group: string
  readonly partition: number
  readonly offset: string
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
  readonly origin: { readonly topic: string; readonly offset: string }
  readonly trail: { readonly disposition: string; readonly attempt: number; readonly failure: { readonly class: string } }
}

test('a failing record keeps its entity in order, and others do not wait for it', async () => {
  // With a single place for all: the one that waits has given it up.
  const { publish, replay, began, ended } = await openReplays({ concurrency: 1, tiers: ['500ms', '1s'] })
  await publish(['flaky'], 1, 1, 'flaky')
  await publish(['flaky'], 2, 4)
  await publish(['x', 'y', 'z'], 1, 20)
  const done = await replay('--from', 'start', '--execute', '--json')
  expect(done).toMatchObject({ code: 0 })
  expect(items(done)).toMatchObject([{ handled: 64, retried: 2, failed: 0, file: null }])
  expect(
    began()
      .filter(line => line.startsWith('flaky'))
      .map(line => line.split(' ').slice(0, 3).join(' ')),
  ).toEqual(['flaky 1 1', 'flaky 1 2', 'flaky 1 3', 'flaky 2 1', 'flaky 3 1', 'flaky 4 1'])
  const order = ended()
  expect(order.findLastIndex(line => !line.startsWith('flaky'))).toBeLessThan(order.indexOf('flaky 1 3'))
})

test('what is given up is in a file, and the exit code is 1', async () => {
  const { publish, put, replay, ended, folder, group, steps, records, ownTopics, processor } = await openReplays({
    partitions: 1,
  })
  await publish(['bad'], 1, 1, 'fail')
  await publish(['bad'], 2, 2)
  await publish(['refused'], 1, 1, 'reject')
  await put(steps.name, {
    key: 'garbage',
    value: Buffer.from([9, 9, 9]),
    headers: [
      ['odd', null],
      ['odd', Buffer.from([0xff])],
    ],
  })
  const topics = await ownTopics()

  const done = await replay('--from', 'start', '--execute')
  expect(done.code).toBe(1)
  expect(ended()).toEqual(['bad 2 1'])
  const id = /replay ([0-9a-f]{8})$/m.exec(done.stdout.join('\n'))![1]!
  const name = `${group}.replay-${id}.failed.jsonl`
  expect(done.stdout.join('\n')).toContain(`${group}: 1 handled, 3 failed, 2 retries, replay ${id}\n  what failed is in ${name}`)
  const lines = readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
  const source = await records(steps.name)
  const of = (key: string) => lines.find(line => line.key !== null && Buffer.from(line.key, 'base64').toString() === key)!
  expect(lines).toHaveLength(3)
  expect(of('bad')).toMatchObject({
    v: 1,
    group,
    offset: '0',
    value: source[0]!.value!.toString('base64'),
    origin: { topic: steps.name, offset: '0' },
    trail: { disposition: 'exhausted', attempt: 3, failure: { class: 'RangeError' } },
  })
  expect(of('bad').headers).toEqual(source[0]!.headers.map(([header, bytes]) => [header, bytes?.toString('base64') ?? null]))
  expect(of('refused').trail).toMatchObject({ disposition: 'rejected', attempt: 1 })
  expect(of('garbage')).toMatchObject({
    value: 'CQkJ',
    headers: [
      ['odd', null],
      ['odd', '/w=='],
    ],
    trail: { disposition: 'undecodable' },
  })
  expect(await ownTopics()).toEqual(topics)
  for (const { topic } of processor.ladder.tiers) expect(await records(topic)).toEqual([])
  expect(await records(processor.ladder.dlq)).toEqual([])
})
