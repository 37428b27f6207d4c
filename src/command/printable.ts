/** Bytes and texts of strangers on a terminal: what is in a record must not move the cursor, change colours or hide other text. */
import { isUtf8 } from 'node:buffer'

// Control characters, DEL and C1 (a terminal obeys them), marks that turn the direction of writing, line separators, halves of surrogate pairs.
const dangerous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** One line: every character that could do more than stand there is written as an escape. */
export function printable(text: string): string {
  return text.replace(dangerous, char => short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** UTF-8 as printable text, anything else as `hex:` and its bytes; `null` for null. */
export function printableBytes(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  return isUtf8(bytes) ? printable(bytes.toString('utf8')) : `hex:${bytes.toString('hex')}`
}

/** Offset, 16 bytes in hex, the same as ASCII; the first `max` bytes. */
export function hexView(bytes: Buffer, max = 256): string[] {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, max); at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, max))
    const hex = [...row].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = [...row].map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${ascii}`)
  }
  if (bytes.length > max) lines.push(`... ${bytes.length - max} bytes more`)
  return lines
}
