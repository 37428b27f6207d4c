/**
 * Ctrl-C in the middle of a replay: what runs is finished and committed, and the command to go on with is printed. It handles the
 * rest, to the end that was resolved at the start. Only one process runs it at a time.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { patienceMs } from './harness.ts'
import { openReplays } from './replays.ts'

const entities = Array.from({ length: 30 }, (_, i) => `entity-${i}`)
const waiting = { withinMs: patienceMs }

test('Ctrl-C in the middle, and the rest of it later, nothing twice', async () => {
  const { publish, start, replay, began, ended, group, admin, folder } = await openReplays({
    handlerMs: 40,
    concurrency: 4,
    tiers: ['10m'],
  })
  await publish(['bad'], 1, 1, 'fail')
  await publish(['bad'], 2, 2)
  await publish(['worse'], 1, 1, 'reject')
  await publish(entities, 1, 30)
  const all = 3 + 30 * entities.length

  const first = await start(['--from', 'start', '--execute'])
  await until(() => ended().length > 200, { ...waiting, what: 'some of it to be handled' })
  const id = /replay ([0-9a-f]{8}) of/.exec(first.stderr.join('\n'))![1]!
  const side = `${group}.replay-${id}`
  const beside = await replay('--resume', id, '--execute')
  expect(beside).toMatchObject({ code: 4, text: expect.stringContaining('E_GROUP_ACTIVE') })
  // Beyond the end of the range.
  await publish(entities, 31, 31)
  first.kill('SIGINT')
  expect(await first.exited).toMatchObject({ code: 130 })
  expect(first.stderr.join('\n')).toContain(`Interrupted. To go on with it: spillway replay ${group} --resume ${id} --execute`)
  const handled = ended().length
  expect(handled).toBeLessThan(all - 50)
  // Nothing was cut off: only the one that waited for its retry and the one that was given up have begun and not ended.
  expect(began()).toHaveLength(handled + 2)
  expect(await admin.groups([side])).toMatchObject([{ state: 'Empty' }])
  const failed = () =>
    readFileSync(join(folder, `${side}.failed.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
  expect(failed()).toHaveLength(1)

  const rest = await replay('--resume', id)
  expect(rest.code).toBe(0)
  expect(rest.stderr.join('\n')).toContain(`To do it: spillway replay ${group} --resume ${id} --execute`)
  expect(await replay('--resume', id, '--key', 'bad', '--execute')).toMatchObject({ code: 64 })

  // What waits for ten minutes is given up by hand, so that the test need not wait.
  const second = await start(['--resume', id, '--execute'])
  await until(() => ended().length >= all - 3, { ...waiting, what: 'everything else to be handled' })
  second.kill('SIGINT')
  expect(await second.exited).toMatchObject({ code: 130 })
  expect(ended().toSorted()).toEqual(
    entities.flatMap(one => Array.from({ length: 30 }, (_, i) => `${one} ${i + 1} 1`)).toSorted(),
  )
  expect(began().filter(line => line.startsWith('bad 1 '))).toHaveLength(2)
  expect(began().filter(line => line.startsWith('worse'))).toHaveLength(1)
  expect(existsSync(join(folder, `${side}.failed.jsonl`))).toBe(true)
  expect(failed()).toHaveLength(1)
})

test('gone on with to its end, the replay is gone', async () => {
  const { publish, start, replay, ended, group, admin } = await openReplays({ handlerMs: 40, concurrency: 4 })
  await publish(entities, 1, 10)
  const first = await start(['--from', 'start', '--execute'])
  await until(() => ended().length > 30, { ...waiting, what: 'some of it to be handled' })
  first.kill('SIGTERM')
  expect(await first.exited).toMatchObject({ code: 130 })
  const id = /--resume ([0-9a-f]{8})/.exec(first.stderr.join('\n'))![1]!
  const second = await replay('--resume', id, '--execute')
  expect(second.code).toBe(0)
  expect(ended()).toHaveLength(300)
  expect(new Set(ended()).size).toBe(300)
  expect(await admin.groups([`${group}.replay-${id}`])).toMatchObject([{ state: 'Dead' }])
  const gone = await replay('--resume', id, '--execute')
  expect(gone).toMatchObject({ code: 64, text: expect.stringContaining(`there is no replay ${id} of ${group}`) })
})
