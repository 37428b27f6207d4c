/** Is a field's default a value of its type? avsc would only say so without the field. */
import { isObject } from './avro-json.ts'
import { isNull, type NamedModel, type Shape } from './avsc-shape.ts'
import type { Primitive } from './primitives.ts'

/** In words what is wrong with `value` as the default of `shape`, or undefined. */
export function defaultProblem(shape: Shape, value: unknown, named: ReadonlyMap<string, NamedModel>): string | undefined {
  switch (shape.kind) {
    case 'primitive':
      return primitiveProblem(shape.name, value)
    case 'union':
      return unionProblem(shape.branches, value, named)
    case 'array':
      return Array.isArray(value)
        ? firstProblem(
            value.map(item => [shape.items, item]),
            named,
          )
        : wrong(value, 'an array')
    case 'map':
      return isObject(value)
        ? firstProblem(
            Object.values(value).map(item => [shape.values, item]),
            named,
          )
        : wrong(value, 'an object')
    case 'named':
      return namedProblem(named.get(shape.name)!, value, named)
  }
}

function primitiveProblem(name: Primitive, value: unknown): string | undefined {
  switch (name) {
    case 'null':
      return value === null ? undefined : wrong(value, name)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong(value, name)
    case 'string':
      return typeof value === 'string' ? undefined : wrong(value, name)
    case 'bytes':
      return isBytes(value) ? undefined : wrong(value, 'bytes, written as characters up to U+00FF')
    case 'int':
      return value === ((value as number) | 0) ? undefined : wrong(value, name)
    case 'long':
      // JSON.parse has rounded a larger one already.
      return Number.isSafeInteger(value) ? undefined : wrong(value, 'a long up to 2^53 - 1')
    default:
      return typeof value === 'number' ? undefined : wrong(value, name)
  }
}

/** One character a byte, as Avro has it. */
function isBytes(value: unknown): value is string {
  return typeof value === 'string' && Buffer.from(value, 'latin1').toString('latin1') === value
}

/** Avro: the default of a union is a value of its first branch. */
function unionProblem(branches: readonly Shape[], value: unknown, named: ReadonlyMap<string, NamedModel>): string | undefined {
  const [first] = branches
  if (value === null) return isNull(first!) ? undefined : 'null needs null first in the union'
  if (!isNull(first!)) return defaultProblem(first!, value, named)
  const where = branches.length === 2 ? 'put null last in the union' : 'put the type of the default first in the union'
  return `${JSON.stringify(value)} is not null: ${where}`
}

function namedProblem(model: NamedModel, value: unknown, named: ReadonlyMap<string, NamedModel>): string | undefined {
  if (model.kind === 'enum')
    return model.symbols.includes(value as string) ? undefined : wrong(value, `one of ${model.symbols.join(', ')}`)
  if (model.kind === 'fixed') {
    const fits = isBytes(value) && value.length === model.size
    return fits ? undefined : wrong(value, `${model.size} bytes, written as characters up to U+00FF`)
  }
  if (!isObject(value)) return wrong(value, model.name)
  const missing = model.fields.find(field => !field.hasDefault && !Object.hasOwn(value, field.name))
  if (missing !== undefined) return `has no ${missing.name}`
  const given = model.fields.filter(field => Object.hasOwn(value, field.name))
  return firstProblem(
    given.map(field => [field.shape, value[field.name]]),
    named,
  )
}

function firstProblem(parts: readonly (readonly [Shape, unknown])[], named: ReadonlyMap<string, NamedModel>): string | undefined {
  for (const [shape, value] of parts) {
    const problem = defaultProblem(shape, value, named)
    if (problem !== undefined) return problem
  }
  return undefined
}

function wrong(value: unknown, expected: string): string {
  return `${JSON.stringify(value)} is not ${expected}`
}
