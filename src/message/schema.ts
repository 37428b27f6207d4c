/** What code generation writes for one Avro record: its schema as a value, and what TypeScript knows of it. */

/** How a 64-bit Avro long arrives in a handler. `number` refuses values beyond 2^53 - 1. */
export type LongAs = 'bigint' | 'number'

declare const types: unique symbol

/**
 * An Avro record schema with its payload types.
 * `In` is what a publisher may pass (fields with a default are optional), `Out` what a handler gets (defaults filled in).
 */
export interface MessageSchema<Name extends string = string, In = unknown, Out = unknown> {
  /** Full name of the record, namespace included. It is the type of every message written with it. */
  readonly name: Name
  /** The schema as Avro JSON. */
  readonly avro: object
  readonly long: LongAs
  /** Exists for the compiler only. */
  readonly [types]?: { readonly in: In; readonly out: Out }
}

export type PayloadIn<S> = S extends MessageSchema<string, infer In, unknown> ? In : never
export type PayloadOut<S> = S extends MessageSchema<string, unknown, infer Out> ? Out : never

/** Used by generated code only: `spillway schema codegen` writes the calls. */
export function avroSchema<Name extends string, In, Out>(schema: {
  name: Name
  avro: object
  long: LongAs
}): MessageSchema<Name, In, Out> {
  return Object.freeze(schema)
}
