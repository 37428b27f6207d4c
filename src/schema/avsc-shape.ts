/** What code generation knows of a folder of .avsc files: every name resolved, nothing unsupported in it. */
import type { Json } from './avro-json.ts'
import type { LogicalName } from './logical-types.ts'
import type { Primitive } from './primitives.ts'

export type Shape =
  | {
      readonly kind: 'primitive'
      readonly name: Primitive
      readonly logical?: LogicalName
      /** What else stands beside "type": precision and scale, and what only others understand. */
      readonly attributes?: Json
    }
  | { readonly kind: 'array'; readonly items: Shape }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'union'; readonly branches: readonly Shape[] }
  | { readonly kind: 'named'; readonly name: string }

export interface FieldModel {
  readonly name: string
  readonly doc?: string
  readonly shape: Shape
  readonly hasDefault: boolean
  readonly raw: Json
}

interface Named {
  readonly name: string
  readonly file: string
  readonly doc?: string
  readonly raw: Json
}

export interface RecordModel extends Named {
  readonly kind: 'record'
  readonly fields: readonly FieldModel[]
}

export interface EnumModel extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
}

export interface FixedModel extends Named {
  readonly kind: 'fixed'
  readonly size: number
  readonly logical?: LogicalName
}

export type NamedModel = RecordModel | EnumModel | FixedModel

export interface Model {
  /** By full name, in the order of the files, depth first. */
  readonly named: ReadonlyMap<string, NamedModel>
  /** Full names of the records that are the top of a file: these get a schema value. */
  readonly messages: readonly string[]
}

export function isNull(shape: Shape): boolean {
  return shape.kind === 'primitive' && shape.name === 'null'
}

/** What a value of a union with several branches has as its key, and what may stand in a union only once. */
export function branchName(shape: Shape): string {
  return shape.kind === 'primitive' || shape.kind === 'named' ? shape.name : shape.kind
}
