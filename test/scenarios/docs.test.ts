/** What the pages of docs/ show works as it stands there: the files of each page type-check together, and those that are tests print what they say. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { folderWith, nodeIn, root, snippetsOf, typeCheck } from './snippets.ts'

const pages = readdirSync(join(root, 'docs'))
  .filter(name => name.endsWith('.md'))
  .map(name => ({ name, files: snippetsOf(`docs/${name}`).files }))
  .filter(({ files }) => files.size > 0)

it.each(pages)('$name', async ({ files }) => {
  const folder = folderWith('docs', files, { generated: true })
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  await typeCheck(folder)
  for (const [name, code] of files) {
    if (!name.endsWith('.test.ts')) continue
    const said = [...code.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    expect(said.length).toBeGreaterThan(0)
    const { stdout } = await nodeIn(folder, name)
    expect(stdout.trimEnd().split('\n')).toEqual(said)
  }
})

it('has pages to look at', () => {
  expect(pages.map(({ name }) => name)).toEqual(expect.arrayContaining(['failure.md', 'replay.md']))
})
