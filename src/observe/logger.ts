/** The logger of a process: JSON lines on stdout, or the same for a person to read. */
import { type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { hidden, redactor, type Secret } from './redact.ts'

export interface LoggerOptions {
  /** pino's names. Default info. */
  readonly level?: string
  /** Default: pretty when stdout is a terminal, else json. */
  readonly format?: 'json' | 'pretty' | undefined
  /** Taken out of every line, wherever they stand in it. */
  readonly secrets?: readonly Secret[]
  /** Default stdout. */
  readonly destination?: { write(text: string): unknown }
}

/** Names of fields that hold a secret, whoever logs them, and at any depth. */
const secretFields = new Set(['password', 'registryPassword', 'authorization', 'token', 'secret'])
/** One of them in a line. pino's own `redact` walks every object that is logged: it took a third of the time of a line. */
const hasSecretField = new RegExp(`"(?:${[...secretFields].join('|')})":`)

export function createLogger(options: LoggerOptions = {}): Logger {
  const { destination = process.stdout, format = process.stdout.isTTY ? 'pretty' : 'json' } = options
  const clean = lineCleaner(redactor(options.secrets ?? []))
  const colorize = destination === process.stdout && process.stdout.isTTY === true && process.stdout.hasColors()
  // In this thread, not as a transport: the last lines before the exit are the ones that matter.
  const pretty = format === 'pretty' ? prettyFactory({ colorize, singleLine: true, ignore: 'event' }) : undefined
  const write = (line: string) => void destination.write(pretty ? pretty(clean(line)) : clean(line))
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
    },
    { write },
  )
}

/** What is logged of an error somebody else passes. pino's own serializer writes every property, and so request bodies and payloads. */
function errorFields(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return { type: typeof thrown, ...(typeof thrown === 'string' && { message: thrown }) }
  const { name, message, stack } = thrown
  const code = (thrown as { code?: unknown }).code
  return { type: name, message, ...(typeof code === 'string' && { code }), stack }
}

/** Cleans the values and leaves the names: a password `level` must not break the line. */
function lineCleaner(clean: (text: string) => string): (line: string) => string {
  const cleanValue = (name: string, value: unknown): unknown => {
    if (secretFields.has(name)) return hidden
    return typeof value === 'string' ? clean(value) : value
  }
  return line => {
    const cleaned = clean(line)
    if (cleaned === line && !hasSecretField.test(line)) return line
    try {
      return `${JSON.stringify(JSON.parse(line), cleanValue)}\n`
    } catch {
      return cleaned
    }
  }
}
