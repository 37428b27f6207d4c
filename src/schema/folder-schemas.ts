/** The messages that .avsc files define: each with everything it refers to written into it, as a registry would have it. */
import type { AvscFile } from './avsc-files.ts'
import { buildModel } from './avsc-model.ts'
import { selfContained } from './self-contained.ts'

export interface FolderSchema {
  readonly file: string
  /** Avro JSON text. */
  readonly schema: string
}

/** By full name: the records that are the top of a file. Throws SchemaUnsupported. */
export function folderSchemas(files: readonly AvscFile[]): Map<string, FolderSchema> {
  const model = buildModel(files)
  const found = new Map<string, FolderSchema>()
  for (const name of model.messages) {
    const named = model.named.get(name)
    if (named?.kind === 'record') found.set(name, { file: named.file, schema: JSON.stringify(selfContained(named, model)) })
  }
  return found
}
