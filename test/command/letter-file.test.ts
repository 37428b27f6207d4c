import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newLetterFile } from '../../src/command/letter-file.ts'

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'letter-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'out.jsonl')
}

test('all lines are in the file, in order, and what is finished is not taken away', async () => {
  const name = path()
  const file = await newLetterFile(name)
  const lines = Array.from({ length: 3_000 }, (_, i) => `${i} ${'é'.repeat(300)}`)
  for (const line of lines) await file.write(line)
  await file.finish()
  await file.discard()
  expect(readFileSync(name, 'utf8').split('\n')).toEqual([...lines, ''])
})

test('what is given up while it is being finished does not count as finished', async () => {
  const name = path()
  const file = await newLetterFile(name)
  await file.write('a')
  const finishing = file.finish()
  const discarding = file.discard()
  await expect(finishing).rejects.toThrow()
  await discarding
  expect(existsSync(name)).toBe(false)
})
