/** The *.avsc files of a folder, in the order of their names. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SchemaSyntaxError, SchemaUnsupported } from '../errors.ts'

export interface AvscFile {
  /** As messages name it: the folder as it was given, and the file name. */
  readonly path: string
  readonly json: unknown
}

/** Throws SchemaSyntaxError (file:line:column), SchemaUnsupported for a folder that is not there or has no .avsc file. */
export function readAvscFiles(dir: string): AvscFile[] {
  const names = namesIn(dir).filter(name => name.endsWith('.avsc'))
  if (names.length === 0) throw new SchemaUnsupported(`${dir}: no .avsc files here`)
  // By code unit: a locale's order differs from machine to machine.
  return names.toSorted().map(name => {
    const path = join(dir, name)
    return avscFile(path, readFileSync(path, 'utf8'))
  })
}

/** Throws SchemaSyntaxError (file:line:column). */
export function avscFile(path: string, text: string): AvscFile {
  return { path, json: parseJson(path, text.replace(/^\uFEFF/, '')) }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (cause) {
    throw new SchemaUnsupported(`${dir}: cannot be read as a folder`, { cause })
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const offset = failedAt(text)
    const before = text.slice(0, offset).split('\n')
    const what = offset >= text.trimEnd().length ? 'the file ends too early' : `unexpected ${JSON.stringify(text[offset])}`
    throw new SchemaSyntaxError(`${path}:${before.length}:${before.at(-1)!.length + 1}: not JSON: ${what}`, { cause })
  }
}

/** What JSON does not allow in a string, as a range of a character class. */
const CONTROL = `${String.fromCharCode(0)}-${String.fromCharCode(31)}`

const TOKEN = new RegExp(
  [
    String.raw`[{}[\]:,]`,
    String.raw`"(?:[^"\\${CONTROL}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`,
    String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`,
    'true|false|null',
  ].join('|'),
  'y',
)

type Expects = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end'

/** Offset of the first token that JSON does not allow there. V8 tells the position in its message only, and not always. */
function failedAt(text: string): number {
  const open: string[] = []
  let expects: Expects = 'value'
  for (let offset = skipSpace(text, 0); offset < text.length; ) {
    TOKEN.lastIndex = offset
    const token = TOKEN.exec(text)?.[0]
    const next: Expects | undefined = token === undefined ? undefined : step(expects, token, open)
    if (token === undefined || next === undefined) return offset
    expects = next
    offset = skipSpace(text, offset + token.length)
  }
  return text.length
}

/** What may follow `token`, or undefined when it may not stand there. */
function step(expects: Expects, token: string, open: string[]): Expects | undefined {
  const first = token[0]!
  if (expects === ':') return token === ':' ? 'value' : undefined
  if (expects === 'key' || expects === 'key or }') {
    if (first === '"') return ':'
    return token === '}' && expects === 'key or }' ? close(open) : undefined
  }
  if (expects === ', or end') {
    if (token === ',' && open.length > 0) return open.at(-1) === '{' ? 'key' : 'value'
    const matching = open.at(-1) === '{' ? '}' : ']'
    return open.length > 0 && token === matching ? close(open) : undefined
  }
  if (token === ']' && expects === 'value or ]') return close(open)
  if (token === '{' || token === '[') {
    open.push(token)
    return token === '{' ? 'key or }' : 'value or ]'
  }
  return '}]:,'.includes(first) ? undefined : ', or end'
}

function close(open: string[]): Expects {
  open.pop()
  return ', or end'
}

function skipSpace(text: string, from: number): number {
  let offset = from
  while (offset < text.length && ' \t\n\r'.includes(text[offset]!)) offset += 1
  return offset
}
