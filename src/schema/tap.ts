/**
 * The cursor that avsc hands to the `_read`, `_skip` and `_write` of a type (avsc 5.7.9, lib/utils.js; not in its typings).
 * It never fails: past the end it reads zeros and goes on counting, and the caller sees at the very end that `pos` is too large.
 */
export interface Tap {
  readonly buf: Buffer & { utf8Slice(from: number, to: number): string }
  pos: number
  isValid(): boolean
  readInt(): number
  readLong(): number
  skipLong(): void
  writeLong(value: number): void
  readFixed(length: number): Buffer
  writeString(value: string): void
  writeFixed(bytes: Buffer): void
}

/** The parts of an avsc type or resolver that our types call, or that avsc calls on them. */
export interface Reads {
  _read(tap: Tap): unknown
}

export interface Skips {
  _skip(tap: Tap): void
}

export interface Writes {
  _write(tap: Tap, value: unknown): void
}

export interface Checks {
  _check(value: unknown, flags: unknown, hook?: ErrorHook, path?: string[]): boolean
}

/** `opts.coerce` 2: from a schema's JSON, where a default is being read. Without opts a plain copy. */
export interface Copies {
  _copy(value: unknown, opts?: { readonly coerce?: number }): unknown
}

/** avsc asks a type to put its `_read` into the resolver; one that is left without cannot read the writer. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export type ErrorHook = (value: unknown, type: unknown) => void
