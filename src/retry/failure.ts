/** What was thrown, as the trail and the log have it. */
import { createHash } from 'node:crypto'
import { describeThrown } from '../errors.ts'
import type { Failure } from '../topic/trail.ts'

export function failureOf(thrown: unknown): Failure {
  const { name, message, stack } = describeThrown(thrown)
  return { class: name, message, stack, fingerprint: fingerprint(name, message, stack) }
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
