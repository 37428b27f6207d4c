/** The types of Avro that need no definition. */
const names = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const

export type Primitive = (typeof names)[number]

export function isPrimitive(name: unknown): name is Primitive {
  return PRIMITIVES.has(name)
}

const PRIMITIVES: ReadonlySet<unknown> = new Set(names)

/** Whether a reader may have `reader` where `writer`, another type, was written. */
export function isPromotion(writer: string, reader: string): boolean {
  return PROMOTIONS[writer]?.includes(reader) ?? false
}

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}
