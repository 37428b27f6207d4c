/** Data goes to stdout, everything else to stderr: `spillway status | head` and `> file` then hold data alone. */
import type { Command } from 'commander'

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly config?: string
  readonly output?: 'text' | 'json'
  readonly json?: boolean
  readonly verbose?: boolean
}

export type Cell = string | number | bigint

export interface Output {
  /** `--json` or `-o json` was given. */
  readonly json: boolean
  /** Data, to stdout. */
  line(text: string): void
  /** What is not data, to stderr. */
  note(text: string): void
  /** Rows in columns, to stdout: numbers to the right. Columns default to the fields of the first row. */
  table(rows: readonly Readonly<Record<string, Cell>>[], columns?: readonly string[]): void
  /** `{"apiVersion":"v1","kind":kind,"items":[...]}` to stdout. A bigint becomes a string, bytes become base64. */
  list(kind: string, items: readonly object[]): void
}

export function outputOf(command: Command): Output {
  const options = command.optsWithGlobals<GlobalOptions>()
  const line = (text: string) => void process.stdout.write(`${text}\n`)
  return {
    json: options.json === true || options.output === 'json',
    line,
    note: text => void process.stderr.write(`${text}\n`),
    table: (rows, columns = Object.keys(rows[0] ?? {})) => {
      for (const text of tableLines(rows, columns)) line(text)
    },
    list: (kind, items) => line(JSON.stringify({ apiVersion: 'v1', kind, items }, jsonValue)),
  }
}

export function tableLines(rows: readonly Readonly<Record<string, Cell>>[], columns: readonly string[]): string[] {
  const cells = [columns.map(name => name.toUpperCase()), ...rows.map(row => columns.map(name => String(row[name] ?? '')))]
  const widths = columns.map((_, i) => Math.max(...cells.map(row => row[i]!.length)))
  const right = columns.map(name => rows.length > 0 && rows.every(row => typeof row[name] !== 'string'))
  return cells.map(row =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  // A Buffer has been through its own toJSON by now.
  const bytes = value as { type?: unknown; data?: unknown } | null
  if (bytes && typeof bytes === 'object' && bytes.type === 'Buffer' && Array.isArray(bytes.data))
    return Buffer.from(bytes.data as number[]).toString('base64')
  return value
}
