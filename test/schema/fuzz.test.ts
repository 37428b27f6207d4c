/**
 * Whatever the bytes are, the decoder answers with a value that the reader's type takes, or with Undecodable: no other error, no hang,
 * no memory. Random schemas, valid values of them, and what random damage makes of these; each is read directly, through a resolver,
 * with fields skipped, and for people. For longer, or again:
 * FUZZ_SECONDS=600 FUZZ_SEED=1 npx vitest run --project unit test/schema/fuzz.test.ts
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const seconds = Number(process.env.FUZZ_SECONDS ?? 8)
/** Beyond the time for fuzzing: a machine that is busy with other things is slow, not wrong. */
const restMs = 60_000

test('a value of the reader or Undecodable, soon and in little memory', { timeout: seconds * 1_000 + 2 * restMs }, async () => {
  const child = fileURLToPath(new URL('child/fuzz.ts', import.meta.url))
  const options = { timeout: seconds * 1_000 + restMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, String(seconds)], options).catch(error => {
    throw new Error(`${error.signal ? 'it hangs; ' : ''}${error.stderr}`)
  })
  const { values, decoded } = JSON.parse(stdout) as { values: number; decoded: number }
  console.log(`fuzz: ${stderr.trim()}, ${values} damaged values, ${decoded} of them still were values`)
  expect(decoded).toBeGreaterThan(0)
  expect(values).toBeGreaterThan(decoded)
})
