/** The options of `spillway schema check --in-flight`. */
import type { Command } from 'commander'
import { UsageError } from '../errors.ts'
import { durationMs } from '../message/duration.ts'

export interface InFlightFlags {
  readonly inFlight?: true
  readonly sample?: string
  readonly for?: string
  readonly show: string
}

export interface InFlightAsked {
  /** Records of a partition at most; all when missing. */
  readonly sample?: number
  /** Milliseconds; no limit when missing. */
  readonly forMs?: number
  /** How many records are named. */
  readonly show: number
}

export function withInFlight(command: Command): Command {
  return command
    .option('--in-flight', 'decode every record that waits in tiers, DLQs and unread sources; joins no group, commits nothing')
    .option('--sample <n>', 'with --in-flight: at most so many records of a partition, spread over what waits in it')
    .option(
      '--for <duration>',
      'with --in-flight: stop after this time, such as 30s; exit code 124 when not all was read by then',
    )
    .option('--show <n>', 'with --in-flight: name so many of the records that would fail; all are counted', '20')
}

/** Throws UsageError (E_USAGE), DefinitionError (E_DEFINITION) for a duration that is none. */
export function readInFlight({ sample, for: time, show }: InFlightFlags): InFlightAsked {
  return {
    ...(sample !== undefined && { sample: whole('--sample', sample, 1) }),
    ...(time !== undefined && { forMs: durationMs(time) }),
    show: whole('--show', show, 0),
  }
}

function whole(option: string, text: string, least: number): number {
  const number = Number(text)
  if (/^\d{1,9}$/.test(text) && number >= least) return number
  throw new UsageError(`${option} takes a whole number of ${least} or more, not '${text}'`)
}
