import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFailedFile } from '../../src/command/failed-file.ts'

function fresh(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-failed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'failed.jsonl')
}

test('a line is in the file when its write resolves, also of many at once', async () => {
  const path = fresh()
  const file = await openFailedFile(path, { goesOn: false })
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`)
  await Promise.all(
    lines.map(async line => {
      await file.write(line)
      expect(readFileSync(path, 'utf8')).toContain(`${line}\n`)
    }),
  )
  expect(await file.close()).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('without a line there is no file', async () => {
  const path = fresh()
  const file = await openFailedFile(path, { goesOn: false })
  expect(await file.close()).toBe(false)
  expect(existsSync(path)).toBe(false)
})

test('a file that is there is not written over, but is added to when the replay goes on', async () => {
  const path = fresh()
  const first = await openFailedFile(path, { goesOn: false })
  await first.write('before')
  await first.close()
  await expect(openFailedFile(path, { goesOn: false })).rejects.toMatchObject({ code: 'E_GUARD' })
  const second = await openFailedFile(path, { goesOn: true })
  expect(await second.close()).toBe(true)
  // A kill in the middle of a line.
  appendFileSync(path, '{"half')
  const third = await openFailedFile(path, { goesOn: true })
  await third.write('after')
  expect(await third.close()).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('before\n{"half\nafter\n')
})

test('a folder that is not there is said before anything is replayed', async () => {
  await expect(openFailedFile(join(fresh(), 'x', 'y'), { goesOn: false })).rejects.toMatchObject({ code: 'ENOENT' })
})
