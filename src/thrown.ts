/** What a thrown thing says of itself, whatever it is: handlers throw strings, undefined and frozen objects too. Never throws. */
export function describeThrown(thrown: unknown): { name: string; message: string; stack: string } {
  try {
    if (thrown instanceof Error)
      return { name: text(thrown.name) || 'Error', message: text(thrown.message), stack: text(thrown.stack) }
    return { name: thrown === null ? 'null' : typeof thrown, message: text(thrown), stack: '' }
  } catch {
    return { name: 'unreadable', message: 'what was thrown cannot be read', stack: '' }
  }
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value)
}
