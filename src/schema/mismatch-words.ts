/** What a mismatch means and what to do about it, in words: those of whoever has this build before them. */
import type { Mismatch, MismatchKind } from './mismatch.ts'
import { isNull, type Tree } from './schema-tree.ts'

/** `backward`: this build reads what was written before. `forward`: what was built before reads what this build writes. */
export type Direction = 'backward' | 'forward'

export interface Words {
  readonly reason: string
  readonly fix: string
}

export function inWords(mismatch: Mismatch, direction: Direction): Words {
  return direction === 'backward' ? backward[mismatch.kind](mismatch) : forward[mismatch.kind](mismatch)
}

/** Of a record at hand, whose writer may be older or newer than this build: what cannot be done. */
export function inShort({ kind, reader, writer, details }: Mismatch): string {
  switch (kind) {
    case 'field-missing':
      return "is not in the writer's schema and has no default"
    case 'symbols-removed':
      return `${reader} has no ${list(details)}, and no default`
    case 'name-changed':
      return `is ${reader} here and ${writer} in the writer's schema, with no alias`
    case 'alias-ambiguous':
      return `${list(details)} of the writer's schema are all it, by its name and aliases`
    case 'unreadable':
      return details.join('; ')
    default:
      return `cannot read ${writer} as ${reader}`
  }
}

type Say = (mismatch: Mismatch) => Words

const backward: Readonly<Record<MismatchKind, Say>> = {
  'field-missing': ({ details: [old], missing }) => {
    const byDefault = defaultFor(missing!)
    if (old === undefined)
      return { reason: 'is new and has no default: what was written without it cannot be read', fix: byDefault }
    return {
      reason: `is new and has no default; it looks like a rename of \`${old}\`, which is gone`,
      fix: `if it is the same field, add "aliases": ["${old}"] to it; if not, ${byDefault}`,
    }
  },
  'type-narrowed': ({ reader, writer }) => ({
    reason: `is ${reader} now and was ${writer}: it holds less than what was written may need`,
    fix: `keep ${writer}; or add a field of another name as ${reader}, with a default`,
  }),
  'type-changed': ({ reader, writer }) => ({
    reason: `is ${reader} now and was ${writer}: one cannot be read as the other`,
    fix: `keep ${writer}; or add a field of another name as ${reader}, with a default, and write both until nobody reads the old one`,
  }),
  'null-removed': ({ reader }) => ({
    reason: `could be null and cannot any more: a null that was written cannot be read as ${reader}`,
    fix: `keep null in its type, such as ["null", ...], and let the handler decide what null means`,
  }),
  'branch-removed': ({ reader, writer }) => ({
    reason: `could be ${writer} and is only ${reader} now`,
    fix: `keep ${writer} in the union, though nobody writes it any more`,
  }),
  'symbols-removed': ({ reader, details }) => ({
    reason: `${list(details)} of ${reader} ${details.length > 1 ? 'are' : 'is'} gone, and the enum has no default`,
    fix: `keep ${details.length > 1 ? 'them' : 'it'}, though nobody writes ${details.length > 1 ? 'them' : 'it'} any more; or give the enum a "default": the symbol that unknown ones are read as`,
  }),
  'name-changed': ({ reader, writer }) => ({
    reason: `is ${reader} now and was ${writer}, with no alias`,
    fix: `keep the name, or add "aliases": ["${nameOf(writer)}"] to ${reader}`,
  }),
  'size-changed': ({ reader, writer }) => ({
    reason: `is ${reader} now and was ${writer}: a fixed cannot be read in another size`,
    fix: 'keep the size; or add a field of another name with a fixed of another name, with a default',
  }),
  'logical-changed': ({ reader, writer }) => ({
    reason: `is ${reader} now and was ${writer}: the same bytes would mean something else${offBy(reader, writer)}, and nothing would notice`,
    fix: `keep ${writer}; or add a field of another name as ${reader}, with a default`,
  }),
  'alias-ambiguous': ({ details }) => ({
    reason: `is one field now, and by its name and aliases ${list(details)} are all it`,
    fix: 'take the alias away that is another field of the older schema',
  }),
  unreadable: ({ details }) => ({
    reason: `the two schemas cannot be compared: ${details.join('; ')}`,
    fix: 'see which of the two is no valid Avro',
  }),
}

const forward: Readonly<Record<MismatchKind, Say>> = {
  'field-missing': ({ details: [fresh] }) =>
    fresh === undefined
      ? {
          reason: 'is gone here, and the older schema has no default for it: it cannot read what is written without it',
          fix: 'keep the field until nobody reads with the older schema; give it a default before it goes',
        }
      : {
          reason: `is gone here, and the older schema has no default for it; \`${fresh}\` looks like its new name, which the older schema does not know`,
          fix: `keep it beside \`${fresh}\` and write both until nobody reads with the older schema: an alias only helps the newer one`,
        },
  'type-narrowed': ({ reader, writer }) => ({
    reason: `is ${writer} here and ${reader} in the older schema, which holds less`,
    fix: `deploy what reads ${writer} first (that is --level BACKWARD_TRANSITIVE), or add a field of another name`,
  }),
  'type-changed': ({ reader, writer }) => ({
    reason: `is ${writer} here, and the older schema reads ${reader}: one cannot be read as the other`,
    fix: 'add a field of another name, and write both until nobody reads with the older schema',
  }),
  'null-removed': ({ reader }) => ({
    reason: `can be null here, and the older schema reads ${reader} only`,
    fix: 'deploy what reads null first (that is --level BACKWARD_TRANSITIVE)',
  }),
  'branch-removed': ({ reader, writer }) => ({
    reason: `can be ${writer} here, and the older schema reads ${reader} only`,
    fix: `deploy what reads ${writer} first (that is --level BACKWARD_TRANSITIVE)`,
  }),
  'symbols-removed': ({ reader, details }) => ({
    reason: `${list(details)} of ${reader} ${details.length > 1 ? 'are' : 'is'} new, and the enum of the older schema has no default`,
    fix: `deploy what reads ${details.length > 1 ? 'them' : 'it'} first (that is --level BACKWARD_TRANSITIVE); an enum with a "default" takes new symbols from its first version on`,
  }),
  'name-changed': ({ reader, writer }) => ({
    reason: `is ${writer} here and ${reader} in the older schema, which has no alias for it`,
    fix: 'keep the name: an alias only helps the newer schema',
  }),
  'size-changed': ({ reader, writer }) => ({
    reason: `is ${writer} here and ${reader} in the older schema: a fixed cannot be read in another size`,
    fix: 'keep the size; or add a field of another name with a fixed of another name',
  }),
  'logical-changed': ({ reader, writer }) => ({
    reason: `is ${writer} here and ${reader} in the older schema: the same bytes would mean something else${offBy(writer, reader)}, and nothing would notice`,
    fix: `keep ${reader}; or add a field of another name as ${writer}`,
  }),
  'alias-ambiguous': ({ details }) => ({
    reason: `is one field in the older schema, and by its name and aliases ${list(details)} are all it`,
    fix: 'give the new field another name',
  }),
  unreadable: backward.unreadable,
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** `enum t.E` and `fixed t.F (8 bytes)` are words; the name alone is what an alias takes. */
function nameOf(words: string): string {
  return words.split(' ')[1] ?? words
}

const TIME = /^(.*-)(millis|micros|nanos)$/
const PLACES: Readonly<Record<string, number>> = { millis: 0, micros: 3, nanos: 6 }
const DECIMAL = /^decimal\(\d+, (-?\d+)\)$/

/** ` (1,000 times)` for another unit of time or another scale; '' for what is no factor. */
function offBy(a: string, b: string): string {
  const [decimalA, decimalB] = [DECIMAL.exec(a), DECIMAL.exec(b)]
  if (decimalA && decimalB) return times(Number(decimalA[1]) - Number(decimalB[1]))
  const [timeA, timeB] = [TIME.exec(a), TIME.exec(b)]
  return timeA && timeB && timeA[1] === timeB[1] ? times(PLACES[timeA[2]!]! - PLACES[timeB[2]!]!) : ''
}

function times(places: number): string {
  return places === 0 ? '' : ` (${factor(Math.abs(places))} times)`
}

function factor(places: number): string {
  return places > 9 ? `10^${places}` : (10 ** places).toLocaleString('en')
}

function defaultFor(type: Tree): string {
  const value = exampleOf(type)
  if (value !== undefined) return `give it a default, such as "default": ${value}`
  return 'make it nullable: "type": ["null", ...] with "default": null'
}

function exampleOf(type: Tree): string | undefined {
  switch (type.kind) {
    case 'array':
      return '[]'
    case 'map':
      return '{}'
    case 'enum':
      return type.symbols[0] === undefined ? undefined : JSON.stringify(type.symbols[0])
    case 'union':
      // Avro: the default of a union is a value of its first branch.
      return type.branches[0] === undefined ? undefined : exampleOf(type.branches[0])
    case 'primitive':
      if (isNull(type)) return 'null'
      if (type.logical !== undefined) return undefined
      return { boolean: 'false', string: '""', bytes: '""' }[type.name] ?? '0'
    default:
      return undefined
  }
}
