/** The project's files as text, and what they import. */
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface SourceFile {
  /** From the project's root, with slashes: `src/topic/names.ts`. */
  readonly path: string
  readonly text: string
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Whatever of these folders is TypeScript. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  const paths = folders.flatMap(folder => globSync(`${folder}/**/*.ts`, { cwd: root })).map(path => path.replaceAll('\\', '/'))
  return paths.filter(path => !path.includes('node_modules/')).map(path => ({ path, text: readFileSync(root + path, 'utf8') }))
}

const importing = /\b(?:import|export)\b[^'"`;=]*?\bfrom\s*'([^']+)'|\bimport\s*'([^']+)'|\bimport\(\s*'([^']+)'/g

/** What a file imports or re-exports, types too: paths from the root for files, names as written for packages. */
export function importsOf(file: SourceFile): string[] {
  const names = [...withoutComments(file.text).matchAll(importing)].map(match => match[1] ?? match[2] ?? match[3]!)
  return names.map(name => (name.startsWith('.') ? posix.join(posix.dirname(file.path), name) : name))
}

/** Only comments with a line to themselves or behind code: a glob in a string has the same characters. */
export function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}
