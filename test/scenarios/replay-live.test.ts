/**
 * `--live` moves the offsets of the group itself, and nothing else: only while none of its processes runs, in all partitions or
 * none, and what it had finished above its offsets is forgotten, or it would be passed over.
 */
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { patienceMs } from './harness.ts'
import { items, openReplays } from './replays.ts'

test('the offsets of a group are moved only while it has no members, and then it handles the range again', async () => {
  const { publish, replay, run, drained, processor, admin, group, steps, live, began } = await openReplays({ partitions: 2 })
  const entities = ['a', 'b', 'c', 'd']
  await publish(entities, 1, 10)
  const running = await run([processor])
  await drained(processor)
  const committed = () => admin.committed(group, [steps.name])
  const before = await committed()

  for (const execute of [[], ['--execute']]) {
    const refused = await replay('--live', '--from', '-3', ...execute)
    expect(refused).toMatchObject({ code: 4, text: expect.stringContaining(`${group} has 1 member`) })
    // A dry run says all the same what would be moved.
    expect(refused.stdout.length > 0).toBe(execute.length === 0)
    expect(await committed()).toEqual(before)
  }
  await running.stop()
  await until(async () => (await admin.groups([group]))[0]?.members === 0, { withinMs: patienceMs, what: 'the group to be left' })

  const dry = await replay('--live', '--from', '-3')
  expect(dry).toMatchObject({ code: 0 })
  expect(dry.stdout.join('\n')).toMatch(/TOPIC +PARTITION +BEFORE +AFTER +AGAIN +PASSED OVER\n/)
  expect(dry.stdout.join('\n')).toContain(`${group}: 2 partitions would be moved, 0 stay\n  6 offsets will be read again`)
  expect(dry.stderr.join('\n')).toContain(`spillway replay ${group} --live --from -3 --execute`)
  expect(await committed()).toEqual(before)

  const moved = await replay('--live', '--from', '-3', '--execute', '--json')
  expect(moved).toMatchObject({ code: 0 })
  const partitions = before.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    before: String(offset),
    after: String(offset - 3n),
    again: '3',
    passedOver: '0',
  }))
  expect(items(moved)).toEqual([{ group, members: 0, partitions, unmoved: 0 }])
  expect(await committed()).toEqual(before.map(one => ({ ...one, offset: one.offset - 3n, metadata: '' })))
  expect(began()).toEqual([])

  live.length = 0
  await run([processor])
  await drained(processor)
  expect(live).toHaveLength(6)
})
