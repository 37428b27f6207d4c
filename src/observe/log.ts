/**
 * A log line a signal, its fields flat and named once and for all. Only fields named here are written, so that nothing that
 * somebody adds to a signal shows in a log by accident.
 */
import type { Failure } from '../topic/trail.ts'
import type { AboutMessage, SignalMap, SignalName, Signals } from './signals.ts'

export { createLogger, type LoggerOptions } from './logger.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'
/** What pino's loggers have, and all that is needed here. */
export type LineLogger = { readonly [L in Level]: (fields: object, message: string) => void } & {
  /** Without it every level counts as enabled. */
  readonly isLevelEnabled?: (level: string) => boolean
}

const levels: Readonly<Record<SignalName, Level>> = {
  'consumer.joined': 'info',
  'consumer.polled': 'debug',
  'consumer.revoking': 'info',
  'consumer.drained': 'info',
  'consumer.crashed': 'error',
  'consumer.stopped': 'info',
  'message.done': 'debug',
  'message.retried': 'warn',
  'message.delayed': 'debug',
  'message.followed': 'debug',
  'retry.started': 'debug',
  'copy.dropped': 'warn',
  'route.failed': 'error',
  'message.deadLettered': 'error',
  'message.skipped': 'debug',
  'replay.retried': 'warn',
  'replay.failed': 'error',
  'handler.timedOut': 'warn',
  'handler.late': 'warn',
  'partition.blocked': 'warn',
  'partition.unblocked': 'info',
  'schema.unreadable': 'error',
  'schema.fromDisk': 'warn',
  'schemaFolder.failed': 'warn',
  'breaker.opened': 'error',
  'breaker.probed': 'warn',
  'breaker.closed': 'info',
  'order.atRisk': 'warn',
  'offset.reset': 'error',
  'batch.unreadable': 'error',
  'consumer.failed': 'error',
  'commit.failed': 'warn',
}

/** Fields that go into the line as they are. */
const plain = [
  ...['group', 'type', 'id', 'topic', 'partition', 'attempt', 'tier', 'disposition', 'reason', 'partitions', 'running'],
  ...['unfinished', 'durationMs', 'timeoutMs', 'retryInMs', 'lateMs', 'codec', 'bytes'],
  ...['failed', 'tried', 'windowMs', 'openForMs', 'schemaId', 'what', 'path'],
] as const
/** 64-bit numbers: text. */
const offsets = ['from', 'to', 'firstOffset', 'lastOffset'] as const
const longestMessage = 500
const longestStack = 1_500

/** Returns the function that ends it. */
export function logSignals(signals: Signals, logger: LineLogger): () => void {
  const names = (Object.keys(levels) as SignalName[]).filter(
    // A line that nobody writes is not put together either: one of these is told of every message.
    name => levels[name] !== 'debug' || logger.isLevelEnabled?.('debug') !== false,
  )
  const ends = names.map(name =>
    signals.on(name, signal => {
      const { level, message, fields } = lineOf(name, signal)
      logger[level](fields, message)
    }),
  )
  return () => {
    for (const end of ends) end()
  }
}

/** `offset` is text: an offset is a 64-bit number. The origin is where the message was published, not where its copy lies. */
export function lineOf<N extends SignalName>(
  name: N,
  signal: SignalMap[N],
): { level: Level; message: string; fields: Record<string, unknown> } {
  const given = signal as Partial<AboutMessage> & Record<string, unknown>
  const fields: Record<string, unknown> = { event: name }
  for (const field of plain) if (given[field] !== undefined) fields[field] = given[field]
  for (const field of offsets) if (typeof given[field] === 'bigint') fields[field] = String(given[field])
  if (given.origin) {
    fields.topic = given.origin.topic
    fields.partition = given.origin.partition
    fields.offset = String(given.origin.offset)
  }
  if (typeof given.untilMs === 'number') fields.until = new Date(given.untilMs).toISOString()
  if (typeof given.reason === 'string') fields.reason = cut(given.reason, longestMessage)
  if (typeof given.detail === 'string') fields.detail = cut(given.detail, longestMessage)
  if (given.blocked === true) fields.blocked = true
  if (typeof given.fingerprint === 'string') fields.errorFingerprint = given.fingerprint
  if (given.failure) Object.assign(fields, failureFields(given.failure as Failure))
  if ('error' in given) Object.assign(fields, errorFields(given.error))
  const unfinished = name === 'consumer.drained' && given.unfinished !== 0
  return { level: unfinished ? 'warn' : levels[name], message: name, fields }
}

/** The message of a handler's error is the handler's own words: it must not put into it what may not be logged. */
function failureFields({ class: errorClass, message, fingerprint, stack }: Failure): object {
  const frames = framesOf(stack)
  return {
    errorClass,
    errorMessage: cut(message, longestMessage),
    errorFingerprint: fingerprint,
    ...(frames !== '' && { errorStack: frames }),
  }
}

let lastFrames = { stack: '', frames: '' }

/** Of the same bug, or with the same error, it is the same again and again. */
function framesOf(stack: string): string {
  if (stack === lastFrames.stack) return lastFrames.frames
  const lines = stack.split('\n').filter(line => /^\s+at /.test(line))
  lastFrames = { stack, frames: cut(lines.join('\n'), longestStack) }
  return lastFrames.frames
}

/** An error of the machinery. Its properties are not written: clients hang requests, and with them records, on their errors. */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { errorClass: typeof error, errorMessage: cut(String(error), longestMessage) }
  const { code } = error as { code?: unknown }
  const cause = error.cause instanceof Error && !error.message.includes(error.cause.message) ? `: ${error.cause.message}` : ''
  return {
    errorClass: error.name,
    ...(typeof code === 'string' && { errorCode: code }),
    errorMessage: cut(error.message + cause, longestMessage),
  }
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
