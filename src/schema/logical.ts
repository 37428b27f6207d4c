/** What the logical types share: how a reader with one reads writers with and without. */
import avro from 'avsc'
import { isLogical, type Resolving, resolve, underlying } from './resolve.ts'
import type { Mutable, Reads } from './tap.ts'

/**
 * A writer of the plain underlying type is read as if it had the logical type; one of another logical type is refused: microseconds
 * read as milliseconds would be a thousand times off, and neither the bytes nor the canonical schema tell.
 */
export abstract class Logical extends avro.types.LogicalType {
  _update(resolver: Mutable<Reads>, writer: avro.Type, opts: Resolving): void {
    const plain = underlying(writer)
    if (isLogical(writer) ? !this.meansTheSame(writer) : !this.readsPlain(writer)) return
    const inner = resolve(this.underlyingType, plain, opts)
    resolver._read = tap => this._fromValue(inner._read(tap))
  }

  protected meansTheSame(writer: avro.types.LogicalType): boolean {
    return writer.typeName === this.typeName
  }

  protected readsPlain(_writer: avro.Type): boolean {
    return true
  }

  protected override _resolve(): undefined {
    return undefined
  }
}

/** A long whose unit is not milliseconds: known by its name only, so that the units are not mixed up. */
export class LongOfUnit extends Logical {
  protected override _fromValue(value: unknown): unknown {
    return value
  }

  protected override _toValue(value: unknown): unknown {
    return value
  }
}
