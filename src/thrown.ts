/** Whatever was thrown, by handlers and libraries: read without trusting it. */

/** The `code` of whatever was thrown, when it is an object that has one. Never throws. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    const code = (thrown as { code?: unknown } | null | undefined)?.code
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/** The message of an Error; anything else as text. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return UNREADABLE
  }
}

/** What a thrown thing says of itself, whatever it is: handlers throw strings, undefined and frozen objects too. Never throws. */
export function describeThrown(thrown: unknown): { name: string; message: string; stack: string } {
  try {
    if (thrown instanceof Error)
      return { name: text(thrown.name) || 'Error', message: text(thrown.message), stack: text(thrown.stack) }
    return { name: thrown === null ? 'null' : typeof thrown, message: text(thrown), stack: '' }
  } catch {
    return { name: 'unreadable', message: UNREADABLE, stack: '' }
  }
}

const UNREADABLE = 'what was thrown cannot be read'

function text(value: unknown): string {
  return value === undefined ? '' : String(value)
}
