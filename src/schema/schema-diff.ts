/** What has changed between two schemas of a record, field by field, in words. */
import type { MessageSchema } from '../message/schema.ts'
import { type EnumTree, type RecordTree, schemaTree, type Tree, type TreeField, treeInWords } from './schema-tree.ts'
import { at } from './words.ts'

export interface SchemaChange {
  readonly kind: 'added' | 'removed' | 'renamed' | 'type' | 'default' | 'symbols' | 'doc' | 'aliases'
  /** Field path in today's names, of what was removed in the earlier ones; '' for the record itself. */
  readonly path: string
  readonly text: string
}

/** `before` is Avro JSON text. In the order of today's fields, then what is gone. Throws Error when either is no schema. */
export function schemaChanges(schema: MessageSchema, before: string): SchemaChange[] {
  return new Diff().types(schemaTree(schema.avro), schemaTree(JSON.parse(before)), '')
}

class Diff {
  readonly #seen = new Set<string>()

  types(now: Tree, before: Tree, path: string): SchemaChange[] {
    if (now.kind === 'record' && before.kind === 'record') return this.#records(now, before, path)
    if (now.kind === 'enum' && before.kind === 'enum') return this.#once(now, before, () => enums(now, before, path))
    if (now.kind === 'array' && before.kind === 'array') return this.types(now.items, before.items, at(path, '[]'))
    if (now.kind === 'map' && before.kind === 'map') return this.types(now.values, before.values, at(path, '{}'))
    const [a, b] = [treeInWords(now), treeInWords(before)]
    if (a !== b) return [{ kind: 'type', path, text: `${b} -> ${a}` }]
    return now.kind === 'union' && before.kind === 'union' ? this.#branches(now.branches, before.branches, path) : []
  }

  /** The words of both are the same, so there is one for each. */
  #branches(now: readonly Tree[], before: readonly Tree[], path: string): SchemaChange[] {
    return now.flatMap(branch => {
      const words = treeInWords(branch)
      const was = before.find(other => treeInWords(other) === words)
      return was === undefined ? [] : this.types(branch, was, path)
    })
  }

  #records(now: RecordTree, before: RecordTree, path: string): SchemaChange[] {
    return this.#once(now, before, () => {
      const matches = now.fields.map(field => ({ field, was: earlierOf(field, before.fields) }))
      const kept = new Set(matches.map(({ was }) => was))
      return [
        ...heads(now, before, path),
        ...matches.flatMap(({ field, was }) => (was === undefined ? [added(field, path)] : this.#field(field, was, path))),
        ...before.fields.filter(field => !kept.has(field)).map(field => removed(field, path)),
      ]
    })
  }

  /** A record may hold itself, or stand in several places. */
  #once(now: RecordTree | EnumTree, before: RecordTree | EnumTree, compare: () => SchemaChange[]): SchemaChange[] {
    const pair = `${now.name}:${before.name}`
    if (this.#seen.has(pair)) return []
    this.#seen.add(pair)
    return compare()
  }

  #field(now: TreeField, before: TreeField, above: string): SchemaChange[] {
    const path = at(above, now.name)
    const changes: SchemaChange[] = []
    if (now.name !== before.name) changes.push({ kind: 'renamed', path, text: `was ${before.name}, which is an alias now` })
    changes.push(...this.types(now.type, before.type, path))
    const [a, b] = [defaultOf(now), defaultOf(before)]
    if (a !== b) changes.push({ kind: 'default', path, text: `${b} -> ${a}` })
    return [...changes, ...notes(now, before, path, now.name === before.name)]
  }
}

function heads(now: RecordTree | EnumTree, before: RecordTree | EnumTree, path: string): SchemaChange[] {
  const renamed: SchemaChange[] =
    now.name === before.name ? [] : [{ kind: 'renamed', path, text: `${before.kind} ${before.name} -> ${now.name}` }]
  return [...renamed, ...notes(now, before, path, true)]
}

interface Noted {
  readonly doc: string
  readonly aliases: readonly string[]
}

function notes(now: Noted, before: Noted, path: string, withAliases: boolean): SchemaChange[] {
  const changes: SchemaChange[] = []
  const [a, b] = [now.aliases.join(', '), before.aliases.join(', ')]
  if (withAliases && a !== b) changes.push({ kind: 'aliases', path, text: `aliases: ${b || 'none'} -> ${a || 'none'}` })
  if (now.doc !== before.doc) changes.push({ kind: 'doc', path, text: 'its doc' })
  return changes
}

function enums(now: EnumTree, before: EnumTree, path: string): SchemaChange[] {
  const symbols = (all: EnumTree, other: EnumTree, what: string): SchemaChange[] => {
    const some = all.symbols.filter(symbol => !other.symbols.includes(symbol))
    return some.length === 0 ? [] : [{ kind: 'symbols', path, text: `${all.name}: ${some.join(', ')} ${what}` }]
  }
  const [a, b] = [now.default ?? 'none', before.default ?? 'none']
  return [
    ...heads(now, before, path),
    ...symbols(now, before, 'added'),
    ...symbols(before, now, 'removed'),
    ...(a === b ? [] : [{ kind: 'default' as const, path, text: `${now.name}: default ${b} -> ${a}` }]),
  ]
}

function added(field: TreeField, path: string): SchemaChange {
  const text = `added, ${treeInWords(field.type)}${field.hasDefault ? ` with ${defaultOf(field)}` : ' without default'}`
  return { kind: 'added', path: at(path, field.name), text }
}

function removed(field: TreeField, path: string): SchemaChange {
  return { kind: 'removed', path: at(path, field.name), text: `removed, was ${treeInWords(field.type)}` }
}

function earlierOf(field: TreeField, before: readonly TreeField[]): TreeField | undefined {
  return before.find(({ name }) => name === field.name) ?? before.find(({ name }) => field.aliases.includes(name))
}

function defaultOf(field: TreeField): string {
  return field.hasDefault ? `default ${JSON.stringify(field.default)}` : 'no default'
}
