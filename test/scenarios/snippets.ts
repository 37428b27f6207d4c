/** What a page shows: files with a name, and commands that are to be run. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject } from 'vitest'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Snippets {
  readonly text: string
  readonly files: ReadonlyMap<string, string>
  readonly commands: readonly string[]
}

export function snippetsOf(page: string): Snippets {
  const text = readFileSync(join(root, page), 'utf8')
  const files = new Map([...text.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [name!, code!]))
  const commands = [...text.matchAll(/^```sh run\n(.*?)^```$/gms)].flatMap(([, lines]) => lines!.trim().split('\n'))
  return { text, files, commands }
}

/** Inside the clone, so that `spillway` is this package; with the schemas, and what is generated of them only if asked for. */
export function folderWith(name: string, files: Snippets['files'], { generated = false } = {}): string {
  mkdirSync(join(root, '.spillway'), { recursive: true })
  const folder = mkdtempSync(join(root, '.spillway', `${name}-`))
  cpSync(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true, filter: path => generated || !path.endsWith('.ts') })
  for (const [file, code] of files) writeFileSync(join(folder, file), code)
  return folder
}

export function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    KAFKA_BROKERS: inject('brokers').join(','),
    SCHEMA_REGISTRY_URL: inject('registryUrl'),
    NO_COLOR: '1',
  }
}

export function nodeIn(folder: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, args, { cwd: folder, env: environment() })
}

/** A command line as the page has it: `npx spillway ...`. */
export function commandIn(folder: string, command: string): Promise<{ stdout: string; stderr: string }> {
  const [npx, name, ...args] = command.split(' ')
  expect([npx, name]).toEqual(['npx', 'spillway'])
  return nodeIn(folder, join(root, 'dist/cli.js'), ...args)
}

/** Fails with what the compiler says. */
export async function typeCheck(folder: string): Promise<void> {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { paths: { spillway: [join(root, 'src/index.ts')], 'spillway/testing': [join(root, 'src/testing.ts')] } },
    include: ['.'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', folder]).catch(error =>
    expect.fail(error.stdout),
  )
}
