/**
 * Every error class of Spillway. Decide on `code` or `retryable`, never on the message or the class
 * (`instanceof` fails when two copies of the package are loaded).
 *
 * `retryable` says whether the same call, unchanged, may succeed later.
 */
export class SpillwayError extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** A definition (topic, message, consumer, retry) that cannot work. Raised when the module that holds it is loaded. */
export class DefinitionError extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_DEFINITION', message, options)
  }
}

/** Configuration that cannot work: all problems found, one a line. Nothing has been started. */
export class ConfigError extends SpillwayError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options: { cause?: unknown } = {}) {
    super('E_CONFIG', problems.length === 1 ? problems[0]! : `${problems.length} problems:\n${problems.map(p => `  - ${p}`).join('\n')}`, options)
    this.problems = problems
  }
}

/** The broker did not answer, or answered that it cannot serve this now. */
export class BrokerUnavailable extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_BROKER_UNAVAILABLE', message, { ...options, retryable: true })
  }
}

/** The broker refused the request and would refuse it again (unknown topic, record too large, not allowed, bad credentials). */
export class BrokerRefused extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_BROKER_REFUSED', message, options)
  }
}

/** The schema registry is unreachable, too slow, or answered 401, 403, 429 or 5xx: never a message's fault. */
export class RegistryUnavailable extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_REGISTRY_UNAVAILABLE', message, { ...options, retryable: true })
  }
}

/** A payload without a value in its entity key. Nothing was sent. */
export class KeyMissing extends SpillwayError {
  constructor(message: string) {
    super('E_KEY_MISSING', message)
  }
}

/** A record larger than its topic takes. Nothing was sent. */
export class RecordTooLarge extends SpillwayError {
  constructor(message: string) {
    super('E_RECORD_TOO_LARGE', message)
  }
}

/** The group has moved on: what was assigned to this process may belong to another now. Its results are void, nothing is lost. */
export class AssignmentLost extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_ASSIGNMENT_LOST', message, options)
  }
}

/** The `code` of whatever was thrown, when it is an object that has one. Never throws. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    const code = (thrown as { code?: unknown } | null | undefined)?.code
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
