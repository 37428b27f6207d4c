/** What the schemas of this build are compared with: `--against registry`, `git:<ref>`, or a folder. */
import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { Service } from '../config.ts'
import { UsageError } from '../errors.ts'
import { readAvscFilesAt } from '../schema/avsc-at-ref.ts'
import { type AvscFile, readAvscFiles } from '../schema/avsc-files.ts'
import { folderSchemas } from '../schema/folder-schemas.ts'
import { DEFAULT_LEVEL, type Earlier, LEVELS, type Level } from '../schema/gate.ts'

export interface AgainstFlags {
  readonly against: string
  readonly dir: string
}

export type Against =
  | { readonly kind: 'registry' }
  | { readonly kind: 'git'; readonly ref: string }
  | { readonly kind: 'folder'; readonly folder: string }

export function withAgainst(command: Command): Command {
  return command
    .option(
      '--against <what>',
      'registry: all registered versions; git:<ref>: the *.avsc files as they were there; or a folder of *.avsc files',
      'registry',
    )
    .option('--dir <folder>', 'where the *.avsc files of this build are', 'schemas')
}

export function levelOption(): Option {
  return new Option('--level <level>', 'who must be able to read what').choices([...LEVELS]).default(DEFAULT_LEVEL)
}

export interface LevelFlag {
  readonly level: Level
}

/** Throws UsageError (E_USAGE) for a folder that is not there. */
export function readAgainst({ against }: AgainstFlags): Against {
  if (against === 'registry') return { kind: 'registry' }
  if (against.startsWith('git:')) return { kind: 'git', ref: against.slice('git:'.length) }
  if (existsSync(against)) return { kind: 'folder', folder: against }
  throw new UsageError(`there is no folder ${against}: --against takes registry, git:<ref> or a folder of .avsc files`)
}

export interface FilesBefore {
  /** By full name. */
  readonly schemas: ReadonlyMap<string, Earlier>
  /** Full names of messages that this build has no more. */
  readonly removed: readonly string[]
}

/** Needs no broker and no registry. Rejects with GitUnusable (E_GIT), SchemaSyntaxError and SchemaUnsupported. */
export async function filesBefore(
  against: Exclude<Against, { kind: 'registry' }>,
  { dir }: AgainstFlags,
  { messages }: Service,
): Promise<FilesBefore> {
  const files = against.kind === 'git' ? await readAvscFilesAt(against.ref, dir, process.cwd()) : readAvscFiles(against.folder)
  const found = folderSchemas(files)
  const types = new Set([...messages.map(({ type }) => type), ...namesNow(dir)])
  return {
    schemas: new Map([...found].map(([name, { file, schema }]) => [name, { label: file, schema }])),
    removed: [...found.keys()].filter(name => !types.has(name)),
  }
}

/** Records that others refer to are messages of no topic: they are gone only when their file is. */
function namesNow(dir: string): string[] {
  if (!existsSync(dir)) return []
  const files: AvscFile[] = readAvscFiles(dir)
  return [...folderSchemas(files).keys()]
}
