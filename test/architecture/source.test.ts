import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { emptyNamed, longestFile, tooLong, touchesProcess } from './source-rules.ts'
import { root, sourceFiles } from './sources.ts'

const src = sourceFiles('src')

test(`no source file is longer than ${longestFile} lines`, () => {
  expect(src.length).toBeGreaterThan(10)
  expect(tooLong(src)).toEqual([])
})

test('no function of the source is longer than 50 lines: Biome sees to it', () => {
  const biome = JSON.parse(readFileSync(`${root}biome.json`, 'utf8'))
  expect(biome.linter.rules.complexity.noExcessiveLinesPerFunction).toMatchObject({ level: 'error', options: { maxLines: 50 } })
  const loosened = biome.overrides.filter(
    (override: { linter?: { rules?: { complexity?: object } } }) => override.linter?.rules?.complexity,
  )
  expect(
    loosened
      .flatMap((override: { includes: string[] }) => override.includes)
      .filter((glob: string) => !/^(test|examples|bench|tooling)\//.test(glob)),
  ).toEqual([])
})

test('every file and folder has a name that says something', () => {
  expect(emptyNamed(sourceFiles('src', 'test', 'examples', 'bench', 'tooling'))).toEqual([])
})

test('the environment, arguments, signals and end of the process are touched at the edge only', () => {
  expect(touchesProcess(src)).toEqual([])
})

test('the checks catch what they are for', () => {
  const at = (path: string, text = '') => [{ path, text }]
  expect(tooLong(at('src/a.ts', 'line\n'.repeat(300)))).toEqual([])
  expect(tooLong(at('src/a.ts', 'line\n'.repeat(301)))).toEqual(['src/a.ts has 301 lines, of 300 at most'])

  for (const path of [
    'src/utils/a.ts',
    'src/topic/types.ts',
    'test/helpers.ts',
    'src/lib/a.ts',
    'src/internal/a.ts',
    'bench/misc.ts',
    'src/common.test.ts',
  ]) {
    expect(emptyNamed(at(path))).toHaveLength(1)
  }
  expect(emptyNamed(at('src/topic/names.ts'))).toEqual([])

  const touches = [
    'process.env.HOME',
    'process.exit(1)',
    `process.on('SIGTERM', stop)`,
    'process.argv',
    'process?.env',
    `import { env } from 'node:process'`,
  ]
  for (const text of touches) {
    expect(touchesProcess(at('src/consume/loop.ts', text))).toHaveLength(1)
    expect(touchesProcess(at('src/process/shutdown.ts', text))).toEqual([])
  }
  for (const text of [
    'process.exitCode = 1',
    '// process.env is for config.ts',
    'import { run } from "./process/run.ts"',
    'env: NodeJS.ProcessEnv',
  ]) {
    expect(touchesProcess(at('src/consume/loop.ts', text))).toEqual([])
  }
})
