/** Record headers as they are on the wire: in order, with duplicates, with null values. Names are anyone's: never object keys. */

export type Header = readonly [name: string, value: Buffer | null]
export type Headers = readonly Header[]

export interface HeaderSize {
  readonly count: number
  /** Names and values. */
  readonly bytes: number
}

/** The first value of a header as UTF-8 text; undefined when it is missing or null. */
export function headerText(headers: Headers, name: string): string | undefined {
  for (const header of headers) if (header[0] === name) return header[1]?.toString('utf8')
  return undefined
}

/** A header with a whole, non-negative number in it that a double holds exactly; anything else is undefined. */
export function headerNumber(headers: Headers, name: string): number | undefined {
  const text = headerText(headers, name)
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  return Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}

export function textHeader(name: string, value: string): Header {
  return [name, Buffer.from(value, 'utf8')]
}
