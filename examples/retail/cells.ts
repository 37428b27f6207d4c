/** What stands in one cell, read exactly or not at all: Number('') is 0, and 1.15 * 100 is 114.99999999999999. */

/** More than an Avro int holds is no number that we could publish. */
const largest = 2 ** 31 - 1

/**
 * A decimal number in units of 10^-places, such as minor units of a price for 2 places. The value counts, not how it is written: 2.550
 * is 255, 1e1 is 1000. `finer`: a number with more decimals than that. `unreadable`: no number, or too large.
 */
export function toUnits(cell: string, places: number): number | 'finer' | 'unreadable' {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,3}))?$/.exec(cell.trim())
  const digits = `${match?.[2] ?? ''}${match?.[3] ?? ''}`
  if (!match || digits === '') return 'unreadable'
  const shift = places + Number(match[4] ?? 0) - match[3]!.length
  const padded = shift >= 0 ? digits.padEnd(digits.length + shift, '0') : digits.padStart(-shift, '0')
  const units = shift >= 0 ? padded : padded.slice(0, shift)
  if (shift < 0 && /[^0]/.test(padded.slice(shift))) return 'finer'
  const value = Number(`${match[1]}${units || '0'}`)
  return Math.abs(value) <= largest ? value + 0 : 'unreadable'
}

const iso =
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})(?:[ T](?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.\d+)?)?Z?)?$/
/** As in the original spreadsheet: 12/1/2010 8:26 is the first of December. */
const american =
  /^(?<month>\d{1,2})\/(?<day>\d{1,2})\/(?<year>\d{4})(?: (?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?)?$/

/** Read as UTC: the data set has local times without a zone. Undefined: no date, or one that no calendar has. */
export function toDate(cell: string): Date | undefined {
  const text = cell.trim()
  const parts = (iso.exec(text) ?? american.exec(text))?.groups
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map(part =>
    Number(parts[part] ?? 0),
  ) as [number, number, number, number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // Date.UTC turns 31 February into 3 March.
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return same ? date : undefined
}

/** Undefined: no customer. Spreadsheets make numbers of ids: `17850.0` is customer 17850. */
export function toCustomer(cell: string): string | undefined {
  return cell.trim().replace(/^(-?\d+)\.0+$/, '$1') || undefined
}
