/** What a thrown thing says of itself, whatever it is: handlers throw strings, undefined and frozen objects too. */
import { createHash } from 'node:crypto'
import type { Failure } from '../topic/trail.ts'

export function failureOf(thrown: unknown): Failure {
  const { name, message, stack } = described(thrown)
  return { class: name, message, stack, fingerprint: fingerprint(name, message, stack) }
}

function described(thrown: unknown): { name: string; message: string; stack: string } {
  try {
    if (thrown instanceof Error) {
      return { name: text(thrown.name) || 'Error', message: text(thrown.message), stack: text(thrown.stack) }
    }
    return { name: thrown === null ? 'null' : typeof thrown, message: text(thrown), stack: '' }
  } catch {
    return { name: 'unreadable', message: 'what was thrown cannot be read', stack: '' }
  }
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value)
}

/** Class, message without what differs from record to record (numbers, ids, quoted text), and the first frame of the application. */
function fingerprint(name: string, message: string, stack: string): string {
  const normalised = message.replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '?').replace(/\b[0-9a-f]{8,}(-[0-9a-f]{4,})*\b|\d+/gi, '#')
  const frame = stack.split('\n').find(line => /^\s*at /.test(line) && !/node_modules|node:internal|\(native\)/.test(line)) ?? ''
  // Line numbers move with every build, and a path with every machine: the function and the file's name stay.
  const place = frame
    .replace(/:\d+:\d+\)?$/, '')
    .replace(/(?:file:\/\/)?[^\s()]*[\\/]/g, '')
    .trim()
  return createHash('sha256').update(`${name}\n${normalised}\n${place}`).digest('hex').slice(0, 12)
}
