/**
 * Bytes that are no message are undecodable, at once and without the memory that they claim to need, and the next message is read as ever.
 * What it takes is CPU time, which a busy machine does not add to, and the most memory that the process ever had.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { createDecoder } from '../../src/schema/decoder.ts'
import { hostileCases, waysOf } from './hostile-cases.ts'

const mostCpuMs = 500
const mostGrownMb = 64

interface Told {
  readonly name: string
  readonly way: string
  readonly told: string
  readonly cpuMs: number
  readonly grownMb: number
  readonly isWell: boolean
}

const told: Told[] = []

beforeAll(async () => {
  const child = fileURLToPath(new URL('child/decode-hostile.ts', import.meta.url))
  // What grows without bound ends it, and the cases that it has not come to fail.
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=512', child], {
    timeout: 120_000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  }).catch(error => error as { stdout: string })
  for (const line of stdout.split('\n')) if (line.endsWith('}')) told.push(JSON.parse(line))
}, 130_000)

test.each(hostileCases)('$name', one => {
  for (const way of waysOf(one)) {
    const found = told.find(({ name, way: of }) => name === one.name && of === way)
    expect(found, `${way}: the process has ended before`).toBeDefined()
    expect(`${way}: ${found!.told}`).toContain(`${way}: E_UNDECODABLE`)
    expect(found!.isWell, `${way}: another message decodes as before`).toBe(true)
    expect(found!.cpuMs, `${way}: CPU time`).toBeLessThan(mostCpuMs)
    expect(found!.grownMb, `${way}: memory`).toBeLessThan(mostGrownMb)
  }
})

test.each([0, 1, 2, 3, 4])('a value of %i bytes', async length => {
  const decoder = createDecoder({ schemaById: async () => '"string"' }, [])
  expect(() => decoder.decode(Buffer.alloc(length))).toThrow(expect.objectContaining({ code: 'E_UNDECODABLE' }))
  await expect(decoder.decodeAny(Buffer.alloc(length))).rejects.toMatchObject({ code: 'E_UNDECODABLE' })
})
