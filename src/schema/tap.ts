/**
 * The cursor that avsc hands to the `_read`, `_skip` and `_write` of a type (avsc 5.7.9, lib/utils.js; not in its typings).
 * It never fails: past the end it reads zeros and goes on counting, and the caller sees at the very end that `pos` is too large.
 */
export interface Tap {
  readonly buf: Buffer & { utf8Slice(from: number, to: number): string }
  pos: number
  readInt(): number
  readLong(): number
  skipLong(): void
  writeLong(value: number): void
  readFixed(length: number): Buffer
  writeString(value: string): void
  writeFixed(bytes: Buffer): void
}

/** The part of an avsc type or resolver that the guarded types call. */
export interface Reads {
  _read(tap: Tap): unknown
}

export interface Skips {
  _skip(tap: Tap): void
}

export type ErrorHook = (value: unknown, type: unknown) => void
