/** The options of `spillway dlq redrive`, and what they ask for. */
import type { Command } from 'commander'
import { UsageError } from '../errors.ts'
import { isLegalName } from '../message/definition.ts'
import type { Target } from '../redrive/target.ts'
import { printable } from './printable.ts'
import { type SelectionFlags, shellWord, withSelection } from './where.ts'

export interface RedriveFlags extends SelectionFlags {
  readonly execute?: true
  readonly reason: string
  readonly from?: string
  readonly to?: string
  readonly toGroup?: string
  readonly rate?: string
  readonly maxRedrives?: string
}

export interface RedriveAsked {
  /** The group, or the topic of a foreign DLQ. */
  readonly group: string
  readonly foreign: boolean
  /** The group whose handlers will get the letters, as far as that is known. */
  readonly handledBy: string | undefined
  readonly target: Target
  readonly rate?: number
  readonly maxRedrives?: number
  /** All of it but the choice of letters, as it stands on a command line. */
  readonly text: string
}

export function withRedrive(command: Command): Command {
  return withSelection(command)
    .argument('[group]', 'name of a consumer or worker')
    .option('--execute', 'move them')
    .option(
      '--to <where>',
      'retry: only this group handles them again; source: published anew, for all groups; or a topic (default: retry)',
    )
    .option('--rate <n>', 'at most so many letters a second')
    .option('--max-redrives <n>', 'leave letters that were redriven so often already')
    .option('--from <topic>', 'instead of a group: the DLQ of Spring Kafka, Kafka Streams, Kafka Connect, SmallRye or Karafka')
    .option('--to-group <group>', 'with --from: to this consumer or worker (default: to the topics that the letters name)')
    .option('--reason <text>', 'why: kept with the record of what was moved', '')
}

/** Throws UsageError (E_USAGE). */
export function readRedrive(group: string | undefined, flags: RedriveFlags): RedriveAsked {
  const { from, toGroup, rate, maxRedrives } = flags
  if ((group === undefined) === (from === undefined))
    throw new UsageError('name the group whose letters are to be moved, or with --from the topic of a foreign DLQ')
  for (const name of [group, from, toGroup]) if (name !== undefined) checkName(name)
  const text = [
    from === undefined ? group! : `--from ${from}`,
    ...(flags.to === undefined ? [] : [`--to ${shellWord(flags.to)}`]),
    ...(toGroup === undefined ? [] : [`--to-group ${toGroup}`]),
    ...(rate === undefined ? [] : [`--rate ${rate}`]),
    ...(maxRedrives === undefined ? [] : [`--max-redrives ${maxRedrives}`]),
  ]
  return {
    group: group ?? from!,
    foreign: from !== undefined,
    handledBy: group ?? toGroup,
    target: targetOf(group, flags),
    ...(rate !== undefined && { rate: wholeNumber('--rate', rate) }),
    ...(maxRedrives !== undefined && { maxRedrives: wholeNumber('--max-redrives', maxRedrives) }),
    text: text.join(' '),
  }
}

function targetOf(group: string | undefined, { to, toGroup }: RedriveFlags): Target {
  if (toGroup !== undefined) {
    if (group !== undefined) throw new UsageError('--to-group goes with --from: letters of a group go back to it')
    if (to !== undefined) throw new UsageError('--to-group says where to already: leave out --to')
    return { to: 'retry', group: toGroup }
  }
  if (to === 'source') return { to }
  if (to === undefined || to === 'retry') {
    if (group !== undefined) return { to: 'retry', group }
    if (to === 'retry') throw new UsageError('--to retry of a foreign DLQ needs the group: write --to-group GROUP')
    return { to: 'source' }
  }
  checkName(to)
  return { to: 'topic', topic: to }
}

function checkName(name: string): void {
  if (!isLegalName(name)) throw new UsageError(`'${printable(name)}' is no name of a group or topic`)
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${option} must be a whole number of 1 or more, not '${printable(text)}'`)
}
