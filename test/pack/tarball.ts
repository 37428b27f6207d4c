/** The package as npm would publish it, made from the present source without touching the project's own dist/. */
import { execFile } from 'node:child_process'
import { cpSync, readdirSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../architecture/sources.ts'

export interface Packed {
  /** Path of the tarball. */
  readonly file: string
  /** What is in it, from the package's root. */
  readonly paths: readonly string[]
}

const run = promisify(execFile)
/** Not needed to build, or large. */
const leftOut = new Set(['.git', '.spillway', 'node_modules', 'dist', 'examples', 'bench'])

/** Copies the project to `folder`, builds it there and packs it. */
export async function pack(folder: string): Promise<Packed> {
  const copy = join(folder, 'project')
  for (const name of readdirSync(root)) if (!leftOut.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  await execute(copy, process.execPath, ['tooling/build.ts'])
  const [packed] = JSON.parse(await execute(copy, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]))
  return { file: join(folder, packed.filename), paths: packed.files.map((file: { path: string }) => file.path) }
}

/** What the command printed. Rejects with all its output when it fails. */
export async function execute(cwd: string, command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, args, { cwd, env: environment(), maxBuffer: 64 * 1024 * 1024 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

/** This Node and the project's tsc first; nothing that an npm around this test says of its own project. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(package|lifecycle)_|^npm_config_(local_prefix|prefix|workspaces?)$|^(INIT_CWD|VITEST|NODE_ENV)/i.test(name),
  )
  const path = [dirname(process.execPath), join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  return {
    ...Object.fromEntries(inherited),
    PATH: path,
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  }
}
