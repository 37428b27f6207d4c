/** What the pages of docs/ show works as it stands there: the files of each page type-check together, and those that are tests print what they say. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

const pages = readdirSync(join(root, 'docs'))
  .filter(name => name.endsWith('.md'))
  .map(name => ({ name, files: filesOf(readFileSync(join(root, 'docs', name), 'utf8')) }))
  .filter(({ files }) => files.size > 0)

function filesOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [name!, code!]))
}

it.each(pages)('$name', async ({ files }) => {
  mkdirSync(join(root, '.spillway'), { recursive: true })
  // Inside the clone, so that `spillway` is this package.
  const folder = mkdtempSync(join(root, '.spillway', 'docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, code] of files) writeFileSync(join(folder, name), code)
  const paths = { spillway: [join(root, 'src/index.ts')], 'spillway/testing': [join(root, 'src/testing.ts')] }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { paths }, include: ['.'] }),
  )
  await run(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', folder]).catch(error => expect.fail(error.stdout))
  for (const [name, code] of files) {
    if (!name.endsWith('.test.ts')) continue
    const said = [...code.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    expect(said.length).toBeGreaterThan(0)
    const { stdout } = await run(process.execPath, [join(folder, name)], { cwd: folder })
    expect(stdout.trimEnd().split('\n')).toEqual(said)
  }
})

it('has pages to look at', () => {
  expect(pages.map(({ name }) => name)).toContain('failure.md')
})
