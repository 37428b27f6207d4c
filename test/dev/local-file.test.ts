import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { readLocalFile, removeLocalFile, writeLocalFile } from '../../src/dev/local-file.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'local-file-'))
})

const content = { brokers: ['127.0.0.1:9092'], registryUrl: 'http://127.0.0.1:8081', pid: process.pid }
/** Above any pid a system gives out. */
const deadPid = 2 ** 30

function put(text: string): void {
  mkdirSync(join(cwd, '.spillway'), { recursive: true })
  writeFileSync(join(cwd, '.spillway', 'local.json'), text)
}

describe('the file that tells where the local stack is', () => {
  test('reads back what was written, and nothing else lies beside it', () => {
    writeLocalFile(cwd, content)
    expect(readLocalFile(cwd)).toEqual(content)
    expect(readdirSync(join(cwd, '.spillway'))).toEqual(['local.json'])
  })

  test('is as good as missing when its process is dead', () => {
    writeLocalFile(cwd, { ...content, pid: deadPid })
    expect(readLocalFile(cwd)).toBeUndefined()
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"brokers":"x","registryUrl":"y","pid":1}',
    '{"brokers":[],"registryUrl":"y","pid":-1}',
    '{"brokers":[1]}',
  ])('is as good as missing when it holds %j', text => {
    put(text)
    expect(readLocalFile(cwd)).toBeUndefined()
  })

  test('is removed by its owner, or after its owner died, and removing twice is fine', () => {
    writeLocalFile(cwd, content)
    removeLocalFile(cwd)
    removeLocalFile(cwd)
    writeLocalFile(cwd, { ...content, pid: deadPid })
    removeLocalFile(cwd)
    expect(readdirSync(join(cwd, '.spillway'))).toEqual([])
  })

  test('stays when another process that is alive wrote it', () => {
    writeLocalFile(cwd, { ...content, pid: process.ppid })
    removeLocalFile(cwd)
    expect(readLocalFile(cwd)?.pid).toBe(process.ppid)
  })
})
