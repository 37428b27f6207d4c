/**
 * Unions. One other type beside null is that type or null. With two or more, a value says which one it is: `{ int: 3 }`, as in Avro's
 * JSON. What avsc does by itself depends on the kinds of the branches, so that the shape would change when a branch is added.
 */
import avro from 'avsc'
import { isPromotion } from './primitives.ts'
import { isNamedAs, type Resolving, resolve, underlying } from './resolve.ts'
import type { Checks, Copies, ErrorHook, Mutable, Reads, Tap, Writes } from './tap.ts'

/** The type of a union's Avro JSON. Throws Error when it is no valid one. */
export function unionType(branches: readonly unknown[], options: unknown): avro.Type {
  const others = branches.filter(branch => !isNull(branch))
  const schema = branches as unknown as avro.Schema
  if (others.length > 1) return new WrappedUnion(schema, options)
  if (branches.length !== 2 || others.length !== 1) return new avro.types.UnwrappedUnionType(schema, options)
  return isNull(branches[0]) ? new NullFirst(schema, options) : new NullLast(schema, options)
}

function isNull(branch: unknown): boolean {
  return branch === 'null' || (typeof branch === 'object' && branch !== null && (branch as { type?: unknown }).type === 'null')
}

type Inner = avro.Type & Reads & Writes & Checks & Copies

/**
 * Methods of their own, as this is where most unions are, and avsc looks at every value anew. Two classes, written out: made by one function
 * for either index they were 5 to 25 % slower as soon as both were in use.
 */
class NullFirst extends avro.types.UnwrappedUnionType {
  _read(tap: Tap): unknown {
    const index = tap.readLong()
    if (index === 0) return null
    if (index !== 1) throw new Error('no such branch of the union')
    return (this.types[1] as Inner)._read(tap)
  }

  _write(tap: Tap, value: unknown): void {
    if (value === null) {
      tap.writeLong(0)
      return
    }
    tap.writeLong(1)
    ;(this.types[1] as Inner)._write(tap, value)
  }

  _check(value: unknown, flags: unknown, hook?: ErrorHook, path?: string[]): boolean {
    return value === null || checkOther(this, this.types[1] as Inner, value, flags, hook, path)
  }

  _copy(value: unknown, opts?: object): unknown {
    if (opts !== undefined) return copyBySuper(this, value, opts)
    return value === null ? null : (this.types[1] as Inner)._copy(value)
  }

  _update(resolver: Mutable<Reads>, writer: avro.Type, opts: Resolving): void {
    const inner = resolve(this.types[writer.typeName === 'null' ? 0 : 1]!, writer, opts)
    resolver._read = tap => inner._read(tap)
  }
}

class NullLast extends avro.types.UnwrappedUnionType {
  _read(tap: Tap): unknown {
    const index = tap.readLong()
    if (index === 1) return null
    if (index !== 0) throw new Error('no such branch of the union')
    return (this.types[0] as Inner)._read(tap)
  }

  _write(tap: Tap, value: unknown): void {
    if (value === null) {
      tap.writeLong(1)
      return
    }
    tap.writeLong(0)
    ;(this.types[0] as Inner)._write(tap, value)
  }

  _check(value: unknown, flags: unknown, hook?: ErrorHook, path?: string[]): boolean {
    return value === null || checkOther(this, this.types[0] as Inner, value, flags, hook, path)
  }

  _copy(value: unknown, opts?: object): unknown {
    if (opts !== undefined) return copyBySuper(this, value, opts)
    return value === null ? null : (this.types[0] as Inner)._copy(value)
  }

  _update(resolver: Mutable<Reads>, writer: avro.Type, opts: Resolving): void {
    const inner = resolve(this.types[writer.typeName === 'null' ? 1 : 0]!, writer, opts)
    resolver._read = tap => inner._read(tap)
  }
}

/** What is inside an object is told by its own path; of anything else that it is neither of the two. */
function checkOther(union: avro.Type, other: Inner, value: unknown, flags: unknown, hook?: ErrorHook, path?: string[]): boolean {
  if (hook === undefined) return other._check(value, flags)
  if (typeof value === 'object' || typeof value === 'function') return other._check(value, flags, hook, path)
  const fits = other._check(value, flags)
  if (!fits) hook(value, union)
  return fits
}

function copyBySuper(union: avro.Type, value: unknown, opts: object): unknown {
  return (avro.types.UnwrappedUnionType.prototype as unknown as Copies)._copy.call(union, value, opts)
}

/** `{ int: 3 }`, `{ 'acme.Card': {...} }`, or null. */
class WrappedUnion extends avro.types.WrappedUnionType {
  _check(value: unknown, flags: unknown, hook?: ErrorHook, path?: string[]): boolean {
    const name = branchOf(value)
    const index = indexOf(this, name)
    if (index === -1) {
      hook?.(value, this)
      return false
    }
    if (value === null) return true
    const inner = (value as Record<string, unknown>)[name!]
    if (hook === undefined) return (this.types[index] as Inner)._check(inner, flags)
    path!.push(name!)
    const fits = (this.types[index] as Inner)._check(inner, flags, hook, path)
    path!.pop()
    return fits
  }

  _write(tap: Tap, value: unknown): void {
    const name = branchOf(value)
    const index = indexOf(this, name)
    if (index === -1) throw new Error('not one branch of the union')
    tap.writeLong(index)
    if (value !== null) (this.types[index] as Inner)._write(tap, (value as Record<string, unknown>)[name!])
  }

  _update(resolver: Mutable<Reads>, writer: avro.Type, opts: Resolving): void {
    const branch = this.types[readingBranch(this.types, writer)]
    if (branch === undefined) return
    const inner = resolve(branch, writer, opts)
    const Wrapper = (branch as unknown as { _branchConstructor: (new (value: unknown) => object) | null })._branchConstructor
    resolver._read = Wrapper === null ? () => null : tap => new Wrapper(inner._read(tap))
  }
}

/**
 * The name of the one branch that is given, 'null' for null. A branch with undefined is not given: that is how TypeScript's optional
 * properties may leave it out.
 */
function branchOf(value: unknown): string | undefined {
  if (value === null) return 'null'
  if (typeof value !== 'object') return undefined
  const keys = Object.keys(value)
  if (keys.length === 1) return keys[0] === 'null' ? undefined : keys[0]
  const given = keys.filter(key => (value as Record<string, unknown>)[key] !== undefined)
  return given.length === 1 && given[0] !== 'null' ? given[0] : undefined
}

function indexOf(union: avro.types.WrappedUnionType, name: string | undefined): number {
  const indices = (union as unknown as { _branchIndices: Record<string, number> })._branchIndices
  // The names are from a payload, and 'toString' is in every object.
  return name !== undefined && Object.hasOwn(indices, name) ? indices[name]! : -1
}

/**
 * The branch that reads what `writer` wrote, or -1. First the one of the very same type: else an int that is written as int would be read
 * as `{ double: 3 }` where double stands first, as soon as the two schemas differ anywhere.
 */
function readingBranch(branches: readonly avro.Type[], writer: avro.Type): number {
  const written = underlying(writer)
  const same = branches.findIndex(branch => isSame(underlying(branch), written))
  return same !== -1 ? same : branches.findIndex(branch => promotes(underlying(branch), written))
}

function isSame(reader: avro.Type, writer: avro.Type): boolean {
  return kindOf(reader) === kindOf(writer) && reader.name === writer.name
}

function promotes(reader: avro.Type, writer: avro.Type): boolean {
  const kind = kindOf(reader)
  if (kind === kindOf(writer)) return isNamedAs(reader, writer)
  return isPromotion(kindOf(writer), kind)
}

function kindOf(type: avro.Type): string {
  if (type.typeName === 'abstract:long') return 'long'
  return type.typeName === 'error' ? 'record' : type.typeName
}
