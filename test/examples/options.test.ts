/** Each wrong input gets one clear error, before anything is started. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type DemoError, readInput, readOptions } from '../../examples/retail/demo/options.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-options-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function errorOf(act: () => unknown): DemoError {
  try {
    act()
  } catch (error) {
    return error as DemoError
  }
  throw new Error('it was accepted')
}

it('without any, it reads the extract that ships with it, on 6 partitions', () => {
  const options = readOptions([])
  expect(options).toMatchObject({ keep: false, partitions: 6, report: undefined })
  expect(readInput(options.input).orders).toHaveLength(444)
})

it('takes its options in any order', () => {
  const args = ['--report', 'r.json', '--partitions', '12', '--input', 'x.csv']
  expect(readOptions(args)).toEqual({ keep: false, partitions: 12, report: resolve('r.json'), input: resolve('x.csv') })
})

it.each([
  [['--partitions', '0'], /--partitions is '0'/],
  [['--partitions', '1.5'], /--partitions is '1.5'/],
  [['--partitions', 'six'], /--partitions is 'six'/],
  [['--partitions', '-1'], /--partitions/],
  [['--wat'], /--wat.*\nusage: npm run demo/],
  [['orders.csv'], /orders.csv.*\nusage: npm run demo/],
])('%j is a wrong command line', (args, message) => {
  const error = errorOf(() => readOptions(args))
  expect(error.message).toMatch(message)
  expect(error.exitCode).toBe(64)
})

it('a report that could not be written is refused before the work is done', () => {
  const error = errorOf(() => readOptions(['--report', '/no/such/folder/r.json']))
  expect(error).toMatchObject({ message: 'cannot write /no/such/folder/r.json: no such folder', exitCode: 1 })
})

it('a file that is missing, a folder, or no CSV', () => {
  const picture = join(folder, 'picture.png')
  writeFileSync(picture, Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]))
  const message = (path: string) => errorOf(() => readInput(path)).message
  expect(message('/no/such.csv')).toBe('cannot read /no/such.csv: there is no such file')
  expect(message(folder)).toMatch(/cannot read .*EISDIR: illegal operation on a directory$/)
  expect(message(picture)).toMatch(/cannot use .*picture.png: it is no CSV of the Online Retail data set/)
})
