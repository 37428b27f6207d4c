import type { Header, Headers } from '../../message/headers.ts'

type OneValue = Buffer | string | null | undefined
/** Headers as kafkajs has them: an object, with an array where a name occurs more than once. */
export type KafkaJsHeaders = Record<string, OneValue | readonly OneValue[]>

export function fromKafkaJs(headers: KafkaJsHeaders | undefined): Headers {
  if (headers === undefined) return []
  return Object.keys(headers).flatMap(name => {
    const value = headers[name]
    return isList(value) ? value.map((one): Header => [name, bytes(one)]) : [[name, bytes(value)] as Header]
  })
}

/** The order between different names is lost: an object is all that kafkajs offers. */
export function toKafkaJs(headers: Headers): KafkaJsHeaders {
  // No prototype: a header named __proto__ is then an entry like any other.
  const result: Record<string, OneValue | OneValue[]> = Object.create(null)
  for (const [name, value] of headers) {
    const before = result[name]
    if (!(name in result)) result[name] = value
    else if (Array.isArray(before)) before.push(value)
    else result[name] = [before, value]
  }
  return result
}

function isList(value: unknown): value is readonly OneValue[] {
  return Array.isArray(value)
}

function bytes(value: OneValue): Buffer | null {
  if (value === null || value === undefined) return null
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
}
