import { createHash } from 'node:crypto'
import { foldMessage } from './fold-message.ts'
import { placeOf } from './frame.ts'

/**
 * 12 hex digits, equal for failures that look like one bug, in every process and build: class, message without what differs from
 * record to record, and the first frame of the application without folder, line and hash. A cause does not count: it is often
 * another on every day of one outage. Of a build that renames functions the file's name is what is left, unless Node maps its
 * stacks (`--enable-source-maps`).
 */
export function fingerprintOf(name: string, message: string, stack: string): string {
  return createHash('sha256')
    .update(`${name}\n${foldMessage(message)}\n${placeOf(message, stack)}`)
    .digest('hex')
    .slice(0, 12)
}
