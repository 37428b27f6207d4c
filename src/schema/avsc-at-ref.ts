/** The *.avsc files of a folder as they were at a git ref. */
import { execFile } from 'node:child_process'
import { relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { codeOf, GitUnusable, messageOf } from '../errors.ts'
import { type AvscFile, avscFile } from './avsc-files.ts'

/** More schemas than this in one file are none that a person wrote. */
const MOST_BYTES = 16 * 1024 * 1024

/**
 * In the order of their names; a path reads `schemas/OrderPlaced.avsc at main`. `dir` is seen from `cwd`. Rejects with GitUnusable
 * (E_GIT), and with SchemaSyntaxError for a file that is not JSON.
 */
export async function readAvscFilesAt(ref: string, dir: string, cwd: string): Promise<AvscFile[]> {
  const git = (...args: string[]) => run(args, cwd)
  // It would be taken for an option.
  if (ref === '' || ref.startsWith('-')) throw new GitUnusable(`'${ref}' is no git ref`)
  await git('rev-parse', '--git-dir').catch(error => {
    throw isNoGit(error) ? error : new GitUnusable(`${cwd} is in no git repository: ${textOf(error)}`, { cause: error })
  })
  const commit = (
    await git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`).catch(cause => {
      const hint = 'in a CI job fetch it first (actions/checkout: fetch-depth: 0)'
      throw new GitUnusable(`there is no git ref ${ref} here: ${hint}`, { cause })
    })
  ).trim()
  const folder = relative(cwd, resolve(cwd, dir)) || '.'
  const within = folder === '.' ? [] : ['--', `${folder}/`]
  const listed = await git('ls-tree', '-z', '--name-only', commit, ...within).catch(cause => {
    throw new GitUnusable(`git cannot list ${folder} at ${ref}: ${textOf(cause)}`, { cause })
  })
  const paths = listed.split('\0').filter(path => path.endsWith('.avsc'))
  if (paths.length === 0) throw new GitUnusable(`there is no folder ${folder} with .avsc files at ${ref}`)
  const files: AvscFile[] = []
  // By code unit: a locale's order differs from machine to machine.
  for (const path of paths.toSorted()) files.push(avscFile(`${path} at ${ref}`, await git('show', `${commit}:./${path}`)))
  return files
}

/** No shell: nothing in a ref or a path means anything to one. */
async function run(args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)('git', [...args], { cwd, maxBuffer: MOST_BYTES })).stdout
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') throw new GitUnusable('git is not installed here, or not on the PATH', { cause })
    throw cause
  }
}

function isNoGit(error: unknown): boolean {
  return codeOf(error) === 'E_GIT'
}

function textOf(error: unknown): string {
  const { stderr } = error as { stderr?: unknown }
  return typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim().split('\n')[0]! : messageOf(error)
}
