import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { newLetterFile } from '../../src/command/letter-file.ts'

const folders = vi.hoisted(() => ({ onOpen: () => {} }))
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const open: typeof real.open = (path, flags, mode) => {
    if (flags === 'r') folders.onOpen()
    return real.open(path, flags, mode)
  }
  return { ...real, open }
})

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
  // The file itself is on disk by then, its folder's entry is not.
  folders.onOpen = () => void file.discard()
  await expect(file.finish()).rejects.toThrow('was taken away again')
  await vi.waitFor(() => expect(existsSync(name)).toBe(false))
})
