export { codeOf, messageOf } from './thrown.ts'

/**
 * Every error class of Spillway. Decide on `code`, or `retryable` (the same call, unchanged, may succeed later), never on the message
 * or the class (`instanceof` fails when two copies of the package are loaded).
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
    super(
      'E_CONFIG',
      problems.length === 1 ? problems[0]! : `${problems.length} problems:\n${problems.map(p => `  - ${p}`).join('\n')}`,
      options,
    )
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

/** A record, or records sent together, larger than their topic takes. Nothing was written. */
export class RecordTooLarge extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_RECORD_TOO_LARGE', message, options)
  }
}

/**
 * Another producer of the same `transactional.id` has begun, or the broker has given up the transaction of this one, which took
 * longer than 10 s. What was not committed by then never will be.
 */
export class Fenced extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_FENCED', message, options)
  }
}

/** A transaction that is open for too long: readers wait for its end. With fewer records it may be shorter. */
export class TransactionTooLong extends SpillwayError {
  constructor(message: string) {
    super('E_TRANSACTION_TOO_LONG', message, { retryable: true })
  }
}

/** A record over a guard, or a batch that cannot be read: the message names the guard and both numbers. It is not looked into. */
export class RecordRefused extends SpillwayError {
  constructor(message: string) {
    super('E_RECORD_REFUSED', message)
  }
}

/** Records of a source or tier are gone that the group has not handled, and its consumer is to stop then (`onDataLoss: 'stop'`). Nothing is committed. */
export class DataLost extends SpillwayError {
  constructor(message: string) {
    super('E_DATA_LOST', message)
  }
}

/** The group has moved on: what was assigned to this process may belong to another now. Its results are void, nothing is lost. */
export class AssignmentLost extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_ASSIGNMENT_LOST', message, options)
  }
}

/** The group has members, and what was asked for can only be done to one that nobody is in. Nothing was changed. */
export class GroupActive extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_GROUP_ACTIVE', message, options)
  }
}

/** Bytes that are no message of ours, or whose writer schema the reader schema cannot resolve. The same bytes fail again. */
export class Undecodable extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_UNDECODABLE', message, options)
  }
}

/** A payload that does not fit its schema. Nothing was sent. */
export class PayloadInvalid extends SpillwayError {
  /** Where in the payload, dotted; '' for the payload itself. */
  readonly path: string

  constructor(message: string, path: string, options: { cause?: unknown } = {}) {
    super('E_PAYLOAD', message, options)
    this.path = path
  }
}

/** The schema is not registered for the subject: `spillway schema register` has not run for this version. */
export class SchemaNotRegistered extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_SCHEMA_NOT_REGISTERED', message, options)
  }
}

/** The registry knows no schema of this id. Retryable: a registry may lag behind the one the producer asked. */
export class UnknownSchemaId extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_UNKNOWN_SCHEMA_ID', message, { ...options, retryable: true })
  }
}

/** The registry answered that the request itself is wrong (400, 405, 422): the same request fails again. */
export class RegistryRefused extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_REGISTRY_REFUSED', message, options)
  }
}

/** A schema that cannot read what an older version of its subject wrote. Nothing has been registered. */
export class SchemaIncompatible extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_SCHEMA_INCOMPATIBLE', message, options)
  }
}

/** A schema file that is not JSON: the message names file, line and column. */
export class SchemaSyntaxError extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_SCHEMA_SYNTAX', message, options)
  }
}

/** A schema that is wrong, or uses what Spillway does not support: the message names file and field. */
export class SchemaUnsupported extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_SCHEMA_UNSUPPORTED', message, options)
  }
}

/** What git was asked for cannot be had: there is no git, no repository, or nothing of that name in it. */
export class GitUnusable extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_GIT', message, options)
  }
}

/** A check (`--check`) found what it looks for: something is stale or would change. */
export class CheckFailed extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_CHECK_FAILED', message, options)
  }
}

/** No broker was given, and this machine has nothing to start one with. */
export class NoLocalBroker extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_NO_LOCAL_BROKER', message, options)
  }
}

/** The local broker or registry could not be downloaded or did not start. */
export class LocalBrokerFailed extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_LOCAL_BROKER_FAILED', message, options)
  }
}

/** Another process runs a local stack on the same data. */
export class AlreadyRunning extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_ALREADY_RUNNING', message, options)
  }
}

/** A command line, or a call, that cannot be carried out as written: an unknown name, a value that is none. Nothing has been done. */
export class UsageError extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_USAGE', message, options)
  }
}

/** Refused for safety: the message says what was refused and which option allows it. */
export class GuardRefused extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_GUARD', message, options)
  }
}

/** The address of the health endpoints cannot be listened on: it is in use, not this machine's, or not allowed. */
export class AddressUnusable extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_ADDRESS', message, options)
  }
}

/** The group has no DLQ topic: its name is wrong, or `spillway topic apply` has not run. */
export class DlqMissing extends SpillwayError {
  constructor(message: string) {
    super('E_NO_DLQ', message)
  }
}

/** There is no letter at this address: it was moved, retention has deleted it, or it never existed. */
export class LetterMissing extends SpillwayError {
  constructor(message: string) {
    super('E_NO_LETTER', message)
  }
}

/** A topic that a redrive would write to is missing or has too few partitions. Nothing was moved. */
export class RedriveTargetUnfit extends SpillwayError {
  constructor(message: string) {
    super('E_REDRIVE_TARGET', message)
  }
}

/** A choice of letters (`--where`, `--limit`) that cannot be understood: what is wrong, and how to write it. Nothing has been done. */
export class SelectionInvalid extends SpillwayError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('E_SELECTION', message, options)
  }
}

/** What cannot be undone was not confirmed by name. Nothing has been done. */
export class ConfirmationMissing extends SpillwayError {
  constructor(message: string) {
    super('E_CONFIRMATION', message)
  }
}

/** A handler that ran past its deadline. It counts as failed; whatever it still does or returns is ignored. */
export class HandlerTimeout extends SpillwayError {
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super('E_HANDLER_TIMEOUT', `the handler took longer than ${timeoutMs} ms`, { retryable: true })
    this.timeoutMs = timeoutMs
  }
}

/** A middleware that did not call `next`, called it twice, or called it after it had settled. The handler has run once at most. */
export class MiddlewareMisused extends SpillwayError {
  constructor(message: string) {
    super('E_MIDDLEWARE', message)
  }
}

/** Topics that must exist before a process can run, or that have too few partitions. */
export class TopicsMissing extends SpillwayError {
  constructor(message: string) {
    super('E_TOPICS_MISSING', message)
  }
}
