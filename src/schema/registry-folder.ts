/**
 * What one registry has said, on disk: so that a process starts and works while the registry does not answer. A file for each schema by
 * id, and for each id of a subject. A file is whole or not there; one that is damaged, of another id or too large counts as not there.
 * Nothing here ever fails a look-up: a folder that cannot be written is told once.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { MessageSchema } from '../message/schema.ts'
import type { Signals } from '../observe/signals.ts'
import { fingerprintOf, hashOf } from './fingerprint.ts'
import { longestAnswerBytes } from './registry-http.ts'
import { isSchemaId } from './wire.ts'

export class RegistryFolder {
  readonly #path: string
  readonly #signals: Signals | undefined
  readonly #told = new Set<string>()

  /** `url`: without credentials. Ids of two registries never mix: each address has a folder of its own. */
  constructor(folder: string, url: string, signals: Signals | undefined) {
    this.#path = join(folder, hashOf(url).slice(0, 32))
    this.#signals = signals
  }

  /** In the background. */
  keepSchema(id: number, schema: string): void {
    void this.#keep(this.#ofSchema(id), { id, schema, sha256: hashOf(schema) })
  }

  async schema(id: number): Promise<string | undefined> {
    const { schema } = (await this.#read(this.#ofSchema(id), found => isSchema(found, id))) ?? {}
    return schema as string | undefined
  }

  /** In the background. */
  keepId(subject: string, schema: MessageSchema, id: number): void {
    void this.#keep(this.#ofId(subject, schema), { subject, schema: fingerprintOf(schema), id })
  }

  async idOf(subject: string, schema: MessageSchema): Promise<number | undefined> {
    const isIt = (found: Found) => found.subject === subject && found.schema === fingerprintOf(schema) && isSchemaId(found.id)
    const { id } = (await this.#read(this.#ofId(subject, schema), isIt)) ?? {}
    return id as number | undefined
  }

  /** How many schemas and ids there are; 0 when it cannot be read. */
  async size(): Promise<number> {
    const names = await Promise.all(['schemas', 'ids'].map(part => readdir(join(this.#path, part)).catch(() => [])))
    return names.flat().filter(name => name.endsWith('.json')).length
  }

  #ofSchema(id: number): string {
    return join(this.#path, 'schemas', `${id}.json`)
  }

  /** A subject may have any characters. */
  #ofId(subject: string, schema: MessageSchema): string {
    return join(this.#path, 'ids', `${hashOf(`${fingerprintOf(schema)} ${subject}`)}.json`)
  }

  async #keep(path: string, content: object): Promise<void> {
    const text = JSON.stringify(content)
    const temporary = `${path}.${randomUUID()}`
    try {
      if ((await contentOf(path).catch(() => undefined)) === text) return
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx' })
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      this.#tell('write', { what: 'write', path: this.#path, error })
    }
  }

  async #read(path: string, isIt: (found: Found) => boolean): Promise<Found | undefined> {
    try {
      const text = await contentOf(path)
      if (text === undefined) return undefined
      const found: unknown = JSON.parse(text)
      if (typeof found === 'object' && found !== null && isIt(found as Found)) return found as Found
      throw new Error('it is not what was written there')
    } catch (error) {
      this.#tell(path, { what: 'read', path, error })
      return undefined
    }
  }

  #tell(once: string, trouble: { what: 'read' | 'write'; path: string; error: unknown }): void {
    if (this.#told.has(once)) return
    this.#told.add(once)
    this.#signals?.emit('schemaFolder.failed', trouble)
  }
}

type Found = Record<string, unknown>

/** The checksum finds what a disk or an editor has changed: a schema that is another one would read messages wrongly. */
function isSchema({ id, schema, sha256 }: Found, wanted: number): boolean {
  return id === wanted && typeof schema === 'string' && sha256 === hashOf(schema)
}

/** Undefined when there is no file. */
async function contentOf(path: string): Promise<string | undefined> {
  const file = await open(path).catch((error: { code?: unknown }) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const { size } = await file.stat()
    // The schema is in quotes within its file.
    if (size > 2 * longestAnswerBytes) throw new Error(`it has ${size} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
