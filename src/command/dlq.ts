/** `spillway dlq ...`: what is in the DLQ of a group, and back with it. */
import { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import { countLetters, type DlqSource, readLetters } from '../dlq/read.ts'
import { type LetterKind, LetterSummary } from '../dlq/summary.ts'
import { codeOf } from '../errors.ts'
import { type CommandContext, type OpenContext, type Output, openContext, outputOf } from './context.ts'
import { progressTo } from './dlq-progress.ts'
import { redriveLetters } from './dlq-redrive.ts'
import { showLetters } from './dlq-show.ts'
import { printable } from './printable.ts'

/** `open` is for tests. */
export function dlqCommand(open: OpenContext = openContext): Command {
  return new Command('dlq')
    .description('Dead letters: list, show, redrive')
    .addCommand(listCommand(open))
    .addCommand(showCommand(open))
    .addCommand(redriveCommand(open))
}

function listCommand(open: OpenContext): Command {
  return new Command('list')
    .alias('ls')
    .description('Count the letters of a group, or of all groups of the service, by what they died of')
    .argument('[group]', 'name of a consumer or worker')
    .action(async (group: string | undefined, _flags: object, command: Command) => {
      await within(open, command, async context => {
        await listLetters(
          context.broker,
          outputOf(command),
          group === undefined ? await groupsOf(context) : [group],
          group === undefined,
        )
      })
    })
}

function showCommand(open: OpenContext): Command {
  return new Command('show')
    .description('Show a letter: where it came from, why it died, its headers and its payload')
    .argument('<group>', 'name of a consumer or worker')
    .argument('[address]', 'partition:offset in the DLQ, as `dlq list` prints it (default: the first letters)')
    .option('--limit <n>', 'how many, when no address is given', '1')
    .option('--all', 'all of them')
    .action(async (group: string, address: string | undefined, flags: { limit: string; all?: true }, command: Command) => {
      await within(open, command, async context => {
        const source = sourceOf(context.broker, group)
        await showLetters(source, context.registry, outputOf(command), { address, limit: flags.all ? 'all' : flags.limit })
      })
    })
}

function redriveCommand(open: OpenContext): Command {
  return new Command('redrive')
    .description('Move all letters of a group back to it, and to no other. A dry run unless --execute is given')
    .argument('<group>', 'name of a consumer or worker')
    .option('--execute', 'move them')
    .option('--reason <text>', 'why: kept with the record of what was moved', '')
    .action(async (group: string, flags: { execute?: true; reason: string }, command: Command) => {
      await within(open, command, async context => {
        await redriveLetters(context, sourceOf(context.broker, group), command, flags)
      })
    })
}

function sourceOf(broker: Broker, group: string): DlqSource {
  return { reader: broker.reader(), admin: broker.admin(), group }
}

async function groupsOf(context: CommandContext): Promise<string[]> {
  return (await context.service()).processors.map(({ name }) => name)
}

async function within(open: OpenContext, command: Command, work: (context: CommandContext) => Promise<void>): Promise<void> {
  const context = await open(command)
  try {
    await work(context)
  } finally {
    await context.close()
  }
}

interface GroupLetters {
  readonly group: string
  readonly kinds: readonly LetterKind[]
}

async function listLetters(broker: Broker, output: Output, groups: readonly string[], skipMissing: boolean): Promise<void> {
  const found: GroupLetters[] = []
  for (const group of groups) {
    try {
      found.push({ group, kinds: await kindsOf(sourceOf(broker, group), output) })
    } catch (error) {
      // Among all groups one that was never applied is worth a word, not the end.
      if (!skipMissing || codeOf(error) !== 'E_NO_DLQ') throw error
      output.note((error as Error).message)
    }
  }
  if (output.json) output.list('DeadLetterKindList', found.flatMap(jsonKinds))
  else if (found.length > 0) output.table(found.flatMap(rows))
  const first = found.flatMap(({ group, kinds }) => kinds.map(kind => `${group} ${addressOf(kind.first)}`))[0]
  if (!output.json && first) output.note(`\nTo see one: spillway dlq show ${first}`)
}

async function kindsOf(source: DlqSource, output: Output): Promise<LetterKind[]> {
  const { left } = await countLetters(source)
  const progress = progressTo(process.stderr, `reading ${source.group}`)
  const summary = new LetterSummary()
  let read = 0
  try {
    const { unreadableMoves } = await readLetters(source, letter => {
      summary.add(letter)
      progress.show(++read, left)
    })
    if (unreadableMoves > 0) output.note(unreadableNote(source.group, unreadableMoves))
  } finally {
    progress.end()
  }
  return summary.kinds()
}

function rows({ group, kinds }: GroupLetters) {
  const none = { disposition: '-', error: '-', fingerprint: '-', 'first seen': '-', 'last seen': '-', 'first letter': '-' }
  if (kinds.length === 0) return [{ group, letters: 0, ...none }]
  return kinds.map(kind => ({
    group,
    letters: kind.letters,
    disposition: printable(kind.disposition ?? 'unknown'),
    error: printable(shortened(kind.errorClass || '-')),
    fingerprint: printable(shortened(kind.fingerprint || '-')),
    'first seen': timeOf(kind.firstSeenMs),
    'last seen': timeOf(kind.lastSeenMs),
    'first letter': addressOf(kind.first),
  }))
}

function jsonKinds({ group, kinds }: GroupLetters): object[] {
  return kinds.map(({ firstSeenMs, lastSeenMs, first, disposition, ...kind }) => ({
    group,
    disposition: disposition ?? null,
    ...kind,
    firstSeen: timeOf(firstSeenMs),
    lastSeen: timeOf(lastSeenMs),
    first: addressOf(first),
  }))
}

function addressOf({ partition, offset }: { partition: number; offset: bigint }): string {
  return `${partition}:${offset}`
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`
}

/** A timestamp is anyone's: beyond what a Date can hold it stays a number. */
function timeOf(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}

function unreadableNote(group: string, count: number): string {
  return `${count} records of ${group}.dlq.moved cannot be understood and were passed over: letters may be shown that were moved`
}
