/**
 * A replay runs the handlers of a group on exactly the range that was asked for, once, beside the group, which goes on by itself
 * and stays where it is. It makes no topic and leaves no group behind. What handlers send is held back unless it is allowed.
 */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { items, openReplays } from './replays.ts'
import { inTransaction } from './transaction.ts'

const entities = Array.from({ length: 12 }, (_, i) => `entity-${i}`)
const stepsOf = (from: number, to: number) =>
  entities.flatMap(id => Array.from({ length: to - from + 1 }, (_, i) => `${id} ${from + i}`)).toSorted()
const firstWords = (lines: readonly string[], count: number) => lines.map(line => line.split(' ').slice(0, count).join(' '))

test('the whole of a topic, once, while the group itself runs', async () => {
  const stage = await openReplays()
  const { client, publish, replay, run, drained, processor, admin, group, steps, encode, opened, live, began, ownTopics } = stage
  await publish(entities, 1, 40)
  await client.publisher(opened).publishTombstone('deleted')
  // The last offsets of two partitions are markers: of records that were committed, and of such that never were.
  const value = await encode(opened, { id: 'late', n: 1 })
  await inTransaction(steps.name, [{ key: 'late', value, partition: 0 }], 'commit')
  await inTransaction(steps.name, [{ key: 'never', value, partition: 1 }], 'abort')
  await run([processor])
  await drained(processor)
  const topics = await ownTopics()
  const committed = await admin.committed(group, [steps.name])

  const dry = await replay('--from', 'start')
  expect(dry.code).toBe(0)
  expect(dry.stdout.join('\n')).toMatch(/TOPIC +PARTITION +FROM +TO +OFFSETS\n/)
  expect(dry.stdout.join('\n')).toContain(`${group}: 482 records to handle, at 485 offsets (counted)`)
  expect(dry.stderr.join('\n')).toContain(`To do it: spillway replay ${group} --from start --execute`)
  expect(began()).toEqual([])

  const done = await replay('--from', 'start', '--execute', '-o', 'json')
  expect(done.text).not.toContain('error')
  expect(done.code).toBe(0)
  expect(items(done)).toMatchObject([
    { group, handled: 482, retried: 0, skipped: 0, failed: 0, interrupted: false, file: null, gone: '0' },
  ])
  expect(firstWords(began(), 2).toSorted()).toEqual([...stepsOf(1, 40), 'late 1', 'deleted gone'].toSorted())
  expect(new Set(began().map(line => line.split(' ').slice(2).join(' ')))).toEqual(new Set([`1 true ${group}`]))
  for (const id of entities)
    expect(
      began()
        .filter(line => line.startsWith(`${id} `))
        .map(line => Number(line.split(' ')[1])),
    ).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))

  expect(await admin.committed(group, [steps.name])).toEqual(committed)
  expect(await ownTopics()).toEqual(topics)
  const [{ id }] = items(done) as [{ id: string }]
  expect(await admin.groups([`${group}.replay-${id}`])).toMatchObject([{ state: 'Dead' }])
  expect(readdirSync(stage.folder)).toEqual(['journal'])
  // The group handles what is new, and nothing again.
  await publish(entities, 41, 41)
  await drained(processor)
  expect(live.filter(step => step !== 'late 1').toSorted()).toEqual(stepsOf(1, 41))
})

test('a part of it: from a time to an offset before what the group has committed, and one key', async () => {
  const { publish, replay, run, drained, processor, group, began } = await openReplays({ partitions: 1 })
  await publish(['a', 'b'], 1, 10)
  const betweenMs = Date.now() + 1
  await until(() => Date.now() > betweenMs, { withinMs: 1_000, what: 'a later millisecond' })
  await publish(['a', 'b'], 11, 20)
  const running = await run([processor])
  await drained(processor)
  await running.stop()
  // The group stands at 40: of the records of the time after, 20 to 39, those up to 36.
  const range = ['--from', `@${betweenMs}`, '--to', '-4']
  expect((await replay(...range)).text).toContain(
    `To do it: spillway replay ${group} --from @${new Date(betweenMs).toISOString()} --to -4 --execute`,
  )
  expect(await replay(...range, '--execute')).toMatchObject({ code: 0 })
  expect(firstWords(began(), 2).toSorted()).toEqual(
    ['a', 'b'].flatMap(id => Array.from({ length: 8 }, (_, i) => `${id} ${11 + i}`)).toSorted(),
  )
  expect(await replay(...range, '--key', 'b', '--execute')).toMatchObject({ code: 0 })
  expect(firstWords(began().slice(16), 2)).toEqual(Array.from({ length: 8 }, (_, i) => `b ${11 + i}`))
})

test('no faster than it is told to', async () => {
  const { publish, replay, began } = await openReplays()
  await publish(entities, 1, 5)
  const startedAtMs = performance.now()
  expect(await replay('--from', 'start', '--rate', '30/s', '--execute')).toMatchObject({ code: 0 })
  expect(performance.now() - startedAtMs).toBeGreaterThan(1_800)
  expect(began()).toHaveLength(60)
})

test('what handlers publish is counted and not sent, unless it is allowed', async () => {
  const { publish, replay, records, steps, group } = await openReplays()
  await publish(['a', 'b'], 1, 3, 'publish')
  const held = await replay('--from', 'start', '--execute')
  expect(held).toMatchObject({ code: 0 })
  expect(held.stdout.join('\n')).toContain(`${group}: 6 handled, replay`)
  expect(held.stdout.join('\n')).toContain('ctx.publish was called 6 times and ctx.schedule 0 times: nothing was sent')
  expect(await records(steps.name)).toHaveLength(6)
  const allowed = await replay('--from', 'start', '--effects', 'allow', '--execute', '--json')
  expect(items(allowed)).toMatchObject([{ handled: 6, suppressed: { published: 0, scheduled: 0 } }])
  expect(await records(steps.name)).toHaveLength(12)
})
