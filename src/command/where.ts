/** The choice of letters: `--where` and `--limit`, of every command that reads or moves them. */
import type { Command } from 'commander'
import {
  type AddressRange,
  type Condition,
  endOfOffsets,
  none,
  type Selection,
  selectionOf,
  type TypeOf,
} from '../dlq/selection.ts'
import { SelectionInvalid } from '../errors.ts'
import { parseTime } from '../message/time.ts'
import { nearest } from './nearest.ts'
import { printable } from './printable.ts'

export interface SelectionFlags {
  readonly where: readonly string[]
  readonly limit?: string
}

export function withSelection(command: Command): Command {
  return command
    .option('--where <condition>', 'only letters that meet it; may be given several times: all must be met', gather, [])
    .option('--limit <n>', 'at most so many letters of a group')
    .addHelpText('after', conditionsHelp)
}

function gather(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value]
}

const conditionsHelp = `
Conditions of --where:
  fingerprint=3f2a9c0b1d2e       the error, as \`dlq list\` prints it; several with commas, \`none\` for letters without
  type=retail.OrderPlaced        full or simple name; several with commas, \`none\` where it cannot be told
  disposition=exhausted          or rejected, undecodable, unhandled, expired, refused, oversize; several with commas
  key=17850                      as text; key=hex:00ff as bytes
  failed=@-15m..                 became a letter since then; ..@-30d before then; @2026-11-22T10:00Z..@now in between
  published=@-1d..@-1h           the same for when it was published
  address=0:12                   partition:offset in the DLQ; 0:12..20, 0:12.., 0:..20, 0:..; several with commas`

/** Throws SelectionInvalid (E_SELECTION). `typeOf` is asked only when a condition needs it; `nowMs` is what relative times count from. */
export function readSelection({ where, limit }: SelectionFlags, typeOf: TypeOf, nowMs: number): Selection {
  const conditions = where.map(text => parseCondition(text, nowMs))
  return selectionOf(conditions, limit === undefined ? Number.POSITIVE_INFINITY : parseLimit(limit), typeOf)
}

/**
 * What is left of a choice of which `done` letters are done, for another command line: ` --where type=A --limit 3`, '' for all
 * letters. Relative times are made absolute.
 */
export function selectionText({ where, limit }: SelectionFlags, nowMs: number, done = 0): string {
  const conditions = where.map(text => ` --where ${shellWord(parseCondition(text, nowMs).words)}`)
  return [...conditions, ...(limit === undefined ? [] : [` --limit ${parseLimit(limit) - done}`])].join('')
}

/** As it can be pasted into a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", `'\\''`)}'`
}

function parseLimit(limit: string): number {
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit)
  throw new SelectionInvalid(`--limit must be a whole number of 1 or more, not '${printable(limit)}'`)
}

type Parse = (value: string, nowMs: number) => Condition

const dispositions = ['exhausted', 'rejected', 'undecodable', 'unhandled', 'expired', 'refused', 'oversize', none] as const

const parsers: Readonly<Record<string, Parse>> = {
  fingerprint: value => ({ on: 'fingerprint', values: listed(value), words: `fingerprint=${value}` }),
  type: value => ({ on: 'type', values: listed(value), words: `type=${value}` }),
  disposition: value => ({ on: 'disposition', values: listed(value).map(asDisposition), words: `disposition=${value}` }),
  key: value => ({ on: 'key', key: keyOf(value), words: `key=${value}` }),
  failed: (value, nowMs) => times('failed', value, nowMs),
  published: (value, nowMs) => times('published', value, nowMs),
  address: value => ({ on: 'address', ranges: listed(value).map(asRange), words: `address=${value}` }),
}

/** One condition, `name=value`. Throws SelectionInvalid (E_SELECTION). */
export function parseCondition(text: string, nowMs: number): Condition {
  const at = text.indexOf('=')
  const [name, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
  try {
    if (at < 0) throw new Problem('write a condition as name=value, such as fingerprint=3f2a9c0b1d2e')
    if (!Object.hasOwn(parsers, name)) throw new Problem(unknownName(name))
    if (value === '') throw new Problem(`there is nothing behind the =${name === 'key' ? ': an empty key is key=hex:' : ''}`)
    return parsers[name]!(value, nowMs)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new SelectionInvalid(`--where '${printable(text)}': ${printable(error.message)}`)
  }
}

/** What is wrong with a condition, to be said together with the condition. */
class Problem extends Error {}

function unknownName(name: string): string {
  const names = Object.keys(parsers)
  const meant = nearest(name, names)
  return `there is no condition '${name}': ${meant ? `did you mean '${meant}'?` : `there are ${names.join(', ')}`}`
}

function listed(value: string): string[] {
  const values = value.split(',')
  if (values.includes('')) throw new Problem('there is an empty value between the commas')
  return values
}

function asDisposition(value: string): (typeof dispositions)[number] {
  const found = dispositions.find(one => one === value)
  if (found) return found
  throw new Problem(`there is no disposition '${value}': there are ${dispositions.join(', ')}`)
}

function keyOf(value: string): Buffer {
  const key = keyBytes(value)
  if (key === undefined) throw new Problem('behind key=hex: stand pairs of hex digits, such as key=hex:00ff')
  return key
}

/** `17850` as text, `hex:00ff` as bytes; undefined for what is no pairs of hex digits. */
export function keyBytes(value: string): Buffer | undefined {
  if (!value.startsWith('hex:')) return Buffer.from(value)
  const hex = value.slice(4)
  return /^(?:[0-9a-f]{2})*$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined
}

function times(on: 'failed' | 'published', value: string, nowMs: number): Condition {
  const pieces = value.split('..')
  const [from = '', to = ''] = pieces
  if (pieces.length > 2 || (from === '' && to === '')) throw new Problem(`write from..to, such as ${on}=@-1h.. or ${on}=..@-30d`)
  const fromMs = from === '' ? Number.NEGATIVE_INFINITY : timeMs(from, nowMs)
  const toMs = to === '' ? Number.POSITIVE_INFINITY : timeMs(to, nowMs)
  if (fromMs >= toMs) throw new Problem('it ends before it begins')
  return { on, fromMs, toMs, words: `${on}=${timeText(fromMs)}..${timeText(toMs)}` }
}

function timeMs(text: string, nowMs: number): number {
  const time = parseTime(text, nowMs)
  if (typeof time === 'number') return time
  throw new Problem(time.problem)
}

function timeText(ms: number): string {
  return Number.isFinite(ms) ? `@${new Date(ms).toISOString()}` : ''
}

function asRange(value: string): AddressRange {
  const match = /^(\d{1,9}):(\d{0,18})(\.\.(\d{0,18}))?$/.exec(value)
  const [, partition, first = '', dots, last = ''] = match ?? []
  if (!match || (first === '' && dots === undefined))
    throw new Problem(`'${value}' is no address: write partition:offset, such as 0:12, or a range of offsets, such as 0:12..20`)
  const from = first === '' ? 0n : BigInt(first)
  const end = dots === undefined ? from + 1n : last === '' ? endOfOffsets : BigInt(last) + 1n
  if (end <= from) throw new Problem(`'${value}' ends before it begins`)
  return { partition: Number(partition), from, to: end }
}
