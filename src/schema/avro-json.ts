/** Avro schemas as the JSON that they are written in. */

export type Json = Readonly<Record<string, unknown>>

export function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** As text with sorted keys: two schemas are the same whatever the order of their properties. */
export function sortedText(json: unknown): string {
  return JSON.stringify(json, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}
