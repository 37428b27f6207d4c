/** Dates and times of day without a zone, as ISO 8601 text: date, time-millis, time-micros, local-timestamp-millis and -micros. */
import { Logical } from './logical.ts'

const DAY_MS = 86_400_000
const DAY_MICROS = 86_400_000_000

/** Days from 1970 to 0000-01-01 and to 9999-12-31: what four digits of a year can say. */
const FIRST_DAY = -719_528
const LAST_DAY = 2_932_896

/** int, days since 1970-01-01 <-> '2026-11-22'. */
export class CalendarDate extends Logical {
  protected override _fromValue(value: unknown): string {
    return dateText(value as number)
  }

  protected override _toValue(value: unknown): number | undefined {
    return typeof value === 'string' ? dayOf(value) : undefined
  }
}

/** int, milliseconds since midnight <-> '09:30:00.000'. */
export class TimeMillis extends Logical {
  protected override _fromValue(value: unknown): string {
    return timeText(value as number, 3)
  }

  protected override _toValue(value: unknown): number | undefined {
    return typeof value === 'string' ? timeOf(value, 3) : undefined
  }
}

/** long, microseconds since midnight <-> '09:30:00.000000'. */
export class TimeMicros extends Logical {
  protected override _fromValue(value: unknown): string {
    return timeText(value as number, 6)
  }

  protected override _toValue(value: unknown): number | undefined {
    return typeof value === 'string' ? timeOf(value, 6) : undefined
  }
}

/** long, milliseconds since 1970 in some zone that is not said <-> '2026-11-22T09:30:00.000'. */
export class LocalTimestampMillis extends Logical {
  protected override _fromValue(value: unknown): string {
    const day = Math.floor((value as number) / DAY_MS)
    return `${dateText(day)}T${timeText((value as number) - day * DAY_MS, 3)}`
  }

  protected override _toValue(value: unknown): number | undefined {
    const parts = partsOf(value, 3)
    return parts && parts.day * DAY_MS + parts.time
  }
}

/** long, microseconds <-> '2026-11-22T09:30:00.000000'. Of years near 9999 these are beyond 2^53: a bigint underneath, always. */
export class LocalTimestampMicros extends Logical {
  protected override _fromValue(value: unknown): string {
    const micros = value as bigint
    const rest = ((micros % BigInt(DAY_MICROS)) + BigInt(DAY_MICROS)) % BigInt(DAY_MICROS)
    return `${dateText(Number((micros - rest) / BigInt(DAY_MICROS)))}T${timeText(Number(rest), 6)}`
  }

  protected override _toValue(value: unknown): bigint | undefined {
    const parts = partsOf(value, 6)
    return parts && BigInt(parts.day) * BigInt(DAY_MICROS) + BigInt(parts.time)
  }
}

function dateText(day: number): string {
  // Written so that NaN is refused too.
  if (!(day >= FIRST_DAY && day <= LAST_DAY)) throw new Error(`day ${day} is outside of the years 0000 to 9999`)
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const ms = Date.parse(text)
  // Date.parse makes 2 March of 30 February.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? ms / DAY_MS : undefined
}

function timeText(units: number, decimals: 3 | 6): string {
  const perSecond = 10 ** decimals
  if (!(units >= 0 && units < 86_400 * perSecond)) throw new Error(`${units} is no time of a day`)
  const seconds = Math.floor(units / perSecond)
  const two = (n: number) => String(n).padStart(2, '0')
  const fraction = String(units % perSecond).padStart(decimals, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`
}

/** Fewer decimals will do; more would be lost. */
function timeOf(text: string, decimals: 3 | 6): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/.exec(text)
  if (match === null) return undefined
  const [, hours, minutes, seconds, fraction = ''] = match
  if (fraction.length > decimals) return undefined
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return whole * 10 ** decimals + Number(fraction.padEnd(decimals, '0'))
}

function partsOf(value: unknown, decimals: 3 | 6): { day: number; time: number } | undefined {
  if (typeof value !== 'string' || value[10] !== 'T') return undefined
  const day = dayOf(value.slice(0, 10))
  const time = timeOf(value.slice(11), decimals)
  return day === undefined || time === undefined ? undefined : { day, time }
}
