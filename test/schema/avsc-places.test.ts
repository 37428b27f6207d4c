/** Files of schemas: as they were at a git ref, and the line in which something stands. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readAvscFilesAt } from '../../src/schema/avsc-at-ref.ts'
import { linesOf } from '../../src/schema/avsc-lines.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-schemas-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

const avsc = (name: string, field: string) => JSON.stringify({ type: 'record', name, fields: [{ name: field, type: 'int' }] })

test('the files of a ref, from the root and from a folder below it', async () => {
  const folder = newFolder()
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=it', '-c', 'user.email=it@it', ...args], { cwd: folder })
  mkdirSync(join(folder, 'service/schemas'), { recursive: true })
  writeFileSync(join(folder, 'service/schemas/B.avsc'), avsc('B', 'before'))
  writeFileSync(join(folder, 'service/schemas/A.avsc'), `\uFEFF${avsc('A', 'before')}`)
  writeFileSync(join(folder, 'service/schemas/note.txt'), 'not this')
  git('init', '-q')
  git('add', '.')
  git('commit', '-qm', 'first')
  git('tag', 'v1')
  writeFileSync(join(folder, 'service/schemas/B.avsc'), avsc('B', 'after'))
  const read = async (...args: Parameters<typeof readAvscFilesAt>) =>
    (await readAvscFilesAt(...args)).map(
      ({ path, json }) => `${path}: ${(json as { fields: { name: string }[] }).fields[0]!.name}`,
    )
  expect(await read('v1', 'service/schemas', folder)).toEqual([
    'service/schemas/A.avsc at v1: before',
    'service/schemas/B.avsc at v1: before',
  ])
  expect(await read('HEAD', 'schemas/', join(folder, 'service'))).toEqual([
    'schemas/A.avsc at HEAD: before',
    'schemas/B.avsc at HEAD: before',
  ])
  expect(await read('HEAD', '.', join(folder, 'service/schemas'))).toEqual(['A.avsc at HEAD: before', 'B.avsc at HEAD: before'])

  const refused = (message: string) => expect.objectContaining({ code: 'E_GIT', message: expect.stringContaining(message) })
  await expect(read('v2', 'service/schemas', folder)).rejects.toEqual(refused('there is no git ref v2 here'))
  await expect(read('--output=x', 'service/schemas', folder)).rejects.toEqual(refused("'--output=x' is no git ref"))
  await expect(read('v1', 'elsewhere', folder)).rejects.toEqual(refused('there is no folder elsewhere with .avsc files at v1'))
  await expect(read('v1', '../..', folder)).rejects.toEqual(refused('git cannot list ../.. at v1'))
  await expect(read('v1', 'schemas', newFolder())).rejects.toEqual(refused('is in no git repository'))
  const { PATH } = process.env
  onTestFinished(() => {
    process.env.PATH = PATH
  })
  process.env.PATH = newFolder()
  await expect(read('v1', 'service/schemas', folder)).rejects.toEqual(refused('git is not installed here'))
})

test('the line of a record, of a field, and of one inside another', () => {
  const folder = newFolder()
  const text = `{
  "doc": "not \\"this\\": {\\n",
  "fields": [
    {"name": "total", "type": {
      "name": "In", "type": "record", "fields": [
        { "type": "int",
          "name": "total" }]}},
    {"type": ["null", "string"],
     "default": null, "name": "note"}
  ],
  "name": "test.R", "type": "record"
}`
  writeFileSync(join(folder, 'R.avsc'), text)
  const line = (record: string, field?: string) => linesOf(folder)({ record, field })?.line
  expect(line('test.R')).toBe(11)
  expect(line('test.R', 'total')).toBe(4)
  expect(line('test.R', 'note')).toBe(9)
  expect(line('test.In', 'total')).toBe(7)
  expect(line('test.In', 'gone')).toBe(5)
  expect(line('test.Elsewhere')).toBe(undefined)
  expect(linesOf(folder)({ record: 'test.R' })?.file).toBe(join(folder, 'R.avsc'))
})
