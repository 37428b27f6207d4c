/** What code generation knows of a folder of .avsc files: every name resolved, nothing unsupported in it. */

export type Primitive = 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export type Shape =
  | { readonly kind: 'primitive'; readonly name: Primitive }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'array'; readonly items: Shape }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'nullable'; readonly of: Shape; readonly nullFirst: boolean }
  | { readonly kind: 'named'; readonly name: string }

export interface FieldModel {
  readonly name: string
  readonly doc?: string
  readonly shape: Shape
  readonly hasDefault: boolean
  readonly raw: Json
}

export interface RecordModel {
  readonly kind: 'record'
  readonly name: string
  readonly file: string
  readonly doc?: string
  readonly fields: readonly FieldModel[]
  readonly raw: Json
}

export interface EnumModel {
  readonly kind: 'enum'
  readonly name: string
  readonly file: string
  readonly doc?: string
  readonly symbols: readonly string[]
  readonly raw: Json
}

export type NamedModel = RecordModel | EnumModel

export interface Model {
  /** By full name, in the order of the files, depth first. */
  readonly named: ReadonlyMap<string, NamedModel>
  /** Full names of the records that are the top of a file: these get a schema value. */
  readonly messages: readonly string[]
}

export type Json = Readonly<Record<string, unknown>>
