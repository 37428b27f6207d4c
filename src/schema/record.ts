/** Records that are resolved as the Avro specification has it, whatever the names of their fields. */
import avro from 'avsc'
import { isNamedAs, type Resolving, resolveField } from './resolve.ts'
import type { Checks, Copies, Mutable, Reads, Skips, Tap, Writes } from './tap.ts'

export class GuardedRecord extends avro.types.RecordType {
  /** avsc takes what a field's own default is made of for JSON once more, and fails on a Buffer or a logical type. */
  _copy(value: unknown, opts?: { readonly coerce?: number }): unknown {
    if (opts?.coerce !== 2) return copyBySuper(this, value, opts)
    if (!isRecord(value)) throw new Error('not an object')
    const values = this.fields.map(field => {
      if (!Object.hasOwn(value, field.name)) return requiredDefault(field)
      return (field.type as unknown as Copies)._copy(value[field.name], opts)
    })
    return Reflect.construct(this.recordConstructor, values)
  }

  /** avsc asks once, while it makes the type. Where every field may be missing, it takes a text, null or an array for the record. */
  _createWriter(): Writes['_write'] {
    const write = (avro.types.RecordType.prototype as unknown as Makes)._createWriter.call(this)
    if (!this.fields.every(hasDefault)) return write
    return (tap, value) => {
      if (!isRecord(value)) throw new Error('not an object')
      write(tap, value)
    }
  }

  _createChecker(): Checks['_check'] {
    const check = (avro.types.RecordType.prototype as unknown as Makes)._createChecker.call(this)
    if (!this.fields.every(hasDefault)) return check
    return (value, flags, hook, path) => {
      if (isRecord(value)) return check.call(this, value, flags, hook, path)
      hook?.(value, this)
      return false
    }
  }

  /**
   * avsc's own refuses a writer's field named 'constructor', and a reader's field of which the writer has both the name and an alias:
   * as after a rename, while writers fill both. The name wins.
   */
  _update(resolver: Mutable<Reads>, writer: avro.Type, opts: Resolving): void {
    if (!(writer instanceof avro.types.RecordType)) return
    if (!isNamedAs(this, writer)) throw new Error(`${this.name} has no alias ${writer.name}`)
    const written = new Set(writer.fields.map(field => field.name))
    const reads = new Map<string, { readonly index: number; readonly resolver: Reads }[]>()
    for (const [index, field] of this.fields.entries()) {
      const name = [field.name, ...field.aliases].find(candidate => written.has(candidate))
      if (name === undefined) {
        requiredDefault(field)
        continue
      }
      const from = writer.fields.find(candidate => candidate.name === name)!
      const readers = reads.get(name) ?? []
      readers.push({ index, resolver: resolveField(field.type, from.type, field.name, opts) })
      reads.set(name, readers)
    }
    resolver._read = compile(this, writer, reads)
  }
}

interface Makes {
  _createWriter(): Writes['_write']
  _createChecker(): Checks['_check']
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hasDefault(field: avro.types.Field): boolean {
  return field.defaultValue() !== undefined
}

function copyBySuper(record: avro.Type, value: unknown, opts: object | undefined): unknown {
  return (avro.types.RecordType.prototype as unknown as Copies)._copy.call(record, value, opts)
}

function requiredDefault(field: avro.types.Field): unknown {
  const value: unknown = field.defaultValue()
  if (value === undefined) throw new Error(`${field.name} is not there and has no default`)
  return value
}

/** Code for this pair, as avsc makes it: a loop over the fields takes twice the time. No name of a schema gets into it. */
function compile(
  reader: avro.types.RecordType,
  writer: avro.types.RecordType,
  reads: ReadonlyMap<string, readonly { readonly index: number; readonly resolver: Reads }[]>,
): (tap: Tap) => unknown {
  const parts: (Reads | Skips)[] = []
  const use = (part: Reads | Skips) => `p${parts.push(part) - 1}`
  const lines = writer.fields.flatMap(field => {
    const readers = reads.get(field.name)
    if (readers === undefined) return [`${use(field.type as unknown as Skips)}._skip(t);`]
    // Several fields may be read from one: each but the last begins again.
    return readers.map(({ index, resolver }, i) => {
      const read = `var v${index} = ${use(resolver)}._read(t);`
      return i === readers.length - 1 ? read : `var at${index} = t.pos; ${read} t.pos = at${index};`
    })
  })
  const given = new Set([...reads.values()].flat().map(({ index }) => index))
  const values = reader.fields.map((_field, index) => (given.has(index) ? `v${index}` : 'undefined'))
  const names = parts.map((_part, i) => `p${i}`)
  const body = `return function read(t) { ${lines.join(' ')} return new Record(${values.join(', ')}); };`
  return new Function('Record', ...names, body)(reader.recordConstructor, ...parts) as (tap: Tap) => unknown
}
