/** `spillway dlq ...`: what is in the DLQ of a group, and back or away with it. */
import { Command, Option } from 'commander'
import { type CommandContext, type OpenContext, openContext, outputOf } from './context.ts'
import { exportLetters } from './dlq-export.ts'
import { type Grouping, groupings, listLetters } from './dlq-list.ts'
import { type PurgeFlags, purgeChosen } from './dlq-purge.ts'
import { redriveLetters } from './dlq-redrive.ts'
import { showLetters } from './dlq-show.ts'
import { sourceOf } from './dlq-words.ts'
import { letterTypes } from './letter-types.ts'
import { type RedriveFlags, readRedrive, withRedrive } from './redrive-flags.ts'
import { readSelection, type SelectionFlags, selectionText, withSelection } from './where.ts'

/** `open` is for tests. */
export function dlqCommand(open: OpenContext = openContext): Command {
  return new Command('dlq')
    .description('Dead letters: list, show, export, redrive, purge')
    .addCommand(listCommand(open))
    .addCommand(showCommand(open))
    .addCommand(exportCommand(open))
    .addCommand(redriveCommand(open))
    .addCommand(purgeCommand(open))
}

function listCommand(open: OpenContext): Command {
  return withSelection(new Command('list').alias('ls'))
    .description('Count the letters of a group, or of all groups of the service, by what they have in common')
    .argument('[group]', 'name of a consumer or worker')
    .addOption(new Option('--by <what>', 'what they are counted by').choices(groupings).default('fingerprint'))
    .action(async (group: string | undefined, flags: SelectionFlags & { by: Grouping }, command: Command) => {
      checkSelection(flags)
      await within(open, command, async context => {
        const { selection, types } = choiceOf(context, flags)
        const groups = group === undefined ? await groupsOf(context) : [group]
        const options = { by: flags.by, selection, types, skipMissing: group === undefined }
        await listLetters(context.broker, outputOf(command), groups, options)
      })
    })
}

function showCommand(open: OpenContext): Command {
  return withSelection(new Command('show'))
    .description(
      'Show a letter: where it came from, why it died, its headers and its payload. Of several the first, unless --limit is given',
    )
    .argument('<group>', 'name of a consumer or worker')
    .argument('[address]', 'partition:offset in the DLQ, as `dlq list` prints it: the same as --where address=')
    .option('--all', 'all of them')
    .action(async (group: string, address: string | undefined, flags: SelectionFlags & { all?: true }, command: Command) => {
      const where = address === undefined ? flags.where : [...flags.where, `address=${address}`]
      const { limit = '1' } = flags
      const asked = flags.all ? { where } : { where, limit }
      checkSelection(asked)
      await within(open, command, async context => {
        const { selection } = choiceOf(context, asked)
        await showLetters(sourceOf(context.broker, group), context.registry, outputOf(command), { selection, address })
      })
    })
}

function exportCommand(open: OpenContext): Command {
  return withSelection(new Command('export'))
    .description('Write letters as JSON lines, every byte of them; they stay where they are')
    .argument('<group>', 'name of a consumer or worker')
    .option('--file <path>', 'a new file (default: stdout)')
    .action(async (group: string, flags: SelectionFlags & { file?: string }, command: Command) => {
      checkSelection(flags)
      await within(open, command, async context => {
        await exportLetters(sourceOf(context.broker, group), choiceOf(context, flags).selection, command, flags.file)
      })
    })
}

function redriveCommand(open: OpenContext): Command {
  return withRedrive(new Command('redrive'))
    .description('Move letters of a group back to it, and to no other. A dry run unless --execute is given')
    .action(async (group: string | undefined, flags: RedriveFlags, command: Command) => {
      checkSelection(flags)
      const asked = readRedrive(group, flags)
      await within(open, command, context => redriveLetters(context, asked, choiceOf(context, flags), command, flags))
    })
}

function purgeCommand(open: OpenContext): Command {
  return withSelection(new Command('purge'))
    .description('Export letters to a file, then take them out of the DLQ. A dry run unless --execute is given')
    .argument('<group>', 'name of a consumer or worker')
    .option('--execute', 'purge them, once the name of the group was typed')
    .option('--file <path>', 'a new file for the export (default: <group>-purged-<time>.jsonl in this folder)')
    .option('--reason <text>', 'why: kept with the record of what was purged', '')
    .option('--confirm <group>', 'the name of the group, instead of typing it')
    .option('--yes', 'do not ask; needs --confirm')
    .action(async (group: string, flags: SelectionFlags & PurgeFlags, command: Command) => {
      checkSelection(flags)
      await within(open, command, async context => {
        await purgeChosen(context, sourceOf(context.broker, group), choiceOf(context, flags), command, flags)
      })
    })
}

/** What is wrong with the command line is said before a broker is looked for. Throws SelectionInvalid (E_SELECTION). */
function checkSelection(flags: SelectionFlags): void {
  readSelection(flags, async () => undefined, Date.now())
}

function choiceOf(context: CommandContext, flags: SelectionFlags) {
  const nowMs = Date.now()
  const types = letterTypes(() => context.registry)
  return { selection: readSelection(flags, types.typeOf, nowMs), text: (done = 0) => selectionText(flags, nowMs, done), types }
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
