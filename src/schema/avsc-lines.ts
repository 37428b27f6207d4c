/** In which line of which .avsc file a record or a field of it is defined. */
import { readFileSync } from 'node:fs'
import { readAvscFiles } from './avsc-files.ts'
import { buildModel } from './avsc-model.ts'
import { simpleName } from './avsc-names.ts'
import type { Place } from './mismatch.ts'

export interface Line {
  /** As it was given: the folder and the file's name. */
  readonly file: string
  /** From 1 on. */
  readonly line: number
}

/** Where places of schemas are in the files of `dir`; undefined for what is not there. Throws like readAvscFiles. */
export function linesOf(dir: string): (place: Place) => Line | undefined {
  const { named } = buildModel(readAvscFiles(dir))
  return ({ record, field }) => {
    const file = record === undefined ? undefined : named.get(record)?.file
    if (record === undefined || file === undefined) return undefined
    const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
    return { file, line: lineIn(text, simpleName(record), field) }
  }
}

function lineIn(text: string, record: string, field: string | undefined): number {
  const found = definitionIn(new Parser(text).value(), record)
  const fields = found?.entries.get('fields')
  const own = fields?.kind === 'array' ? fields.items.find(item => item.kind === 'object' && nameOf(item) === field) : undefined
  const at = (own?.kind === 'object' ? own : found)?.entries.get('name')?.at ?? 0
  return text.slice(0, at).split('\n').length
}

type Parsed =
  | { readonly kind: 'object'; readonly at: number; readonly entries: ReadonlyMap<string, Parsed> }
  | { readonly kind: 'array'; readonly at: number; readonly items: readonly Parsed[] }
  | { readonly kind: 'scalar'; readonly at: number; readonly value: unknown }

type ParsedObject = Extract<Parsed, { kind: 'object' }>

function definitionIn(parsed: Parsed, record: string): ParsedObject | undefined {
  if (parsed.kind === 'scalar') return undefined
  if (parsed.kind === 'object' && nameOf(parsed) === record && parsed.entries.has('fields')) return parsed
  for (const child of parsed.kind === 'array' ? parsed.items : parsed.entries.values()) {
    const found = definitionIn(child, record)
    if (found !== undefined) return found
  }
  return undefined
}

/** A record may be named in full. */
function nameOf({ entries }: ParsedObject): string | undefined {
  const name = entries.get('name')
  return name?.kind === 'scalar' && typeof name.value === 'string' ? simpleName(name.value) : undefined
}

const TOKEN = /\s*([{}[\]:,]|"(?:[^"\\]|\\.)*"|[^\s{}[\]:,"]+)/y

/** Of text that JSON.parse has taken: it only finds where things are. */
class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): Parsed {
    const { token, at } = this.#next()
    if (token === '{') return { kind: 'object', at, entries: new Map(this.#until('}', () => this.#entry())) }
    if (token === '[') return { kind: 'array', at, items: this.#until(']', () => this.value()) }
    return { kind: 'scalar', at, value: JSON.parse(token) }
  }

  #entry(): readonly [string, Parsed] {
    const key = JSON.parse(this.#next().token) as string
    this.#next()
    return [key, this.value()]
  }

  #until<T>(end: string, read: () => T): T[] {
    const all: T[] = []
    for (;;) {
      const before = this.#at
      const { token } = this.#next()
      if (token === end) return all
      if (token !== ',') this.#at = before
      all.push(read())
    }
  }

  #next(): { token: string; at: number } {
    TOKEN.lastIndex = this.#at
    const found = TOKEN.exec(this.#text)
    if (found === null) throw new Error('the text ends too early')
    this.#at = TOKEN.lastIndex
    return { token: found[1]!, at: this.#at - found[1]!.length }
  }
}
