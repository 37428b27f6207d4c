/** `spillway replay`: the handlers of a group again, on a range of what its topics hold. */
import { Command, Option } from 'commander'
import { chooseProcessors } from './choose.ts'
import { type OpenContext, openContext } from './context.ts'
import { type ReplayFlags, readFlags } from './replay-flags.ts'

/** `open` is for tests. */
export function replayCommand(open: OpenContext = openContext): Command {
  return new Command('replay')
    .description(
      'Run the handlers of a consumer again on what its topics hold, beside the group. A dry run unless --execute is given',
    )
    .argument('<group>', 'name of a consumer or worker')
    .option('--from <position>', 'where it begins')
    .option('--to <position>', 'where it ends, not included (default: the end as it is now)')
    .option('--topic <name>', 'only this topic of the consumer; may be given several times', gather)
    .option('--key <key>', 'only records with this key, as text; hex:00ff as bytes')
    .option('--rate <n/s>', 'at most so many records a second, such as 500/s')
    .addOption(
      new Option('--effects <what>', 'whether ctx.publish and ctx.schedule send (default: suppress)').choices([
        'suppress',
        'allow',
      ]),
    )
    .option('--file <path>', 'where records that fail are written (default: <group>.replay-<id>.failed.jsonl in this folder)')
    .option('--resume <id>', 'go on with a replay that was interrupted')
    .option('--live', 'move the offsets of the group itself instead, which must not be running')
    .option('--execute', 'do it')
    .addHelpText('after', positionsHelp)
    .action(async (group: string, flags: ReplayFlags, command: Command) => {
      const asked = readFlags(flags)
      const context = await open(command)
      try {
        const [processor] = chooseProcessors(await context.service(), [group])
        // Loaded here, so that `spillway --help` does not wait for the engine.
        if (flags.live) await (await import('./replay-live.ts')).moveLive(context, processor!, asked, command)
        else await (await import('./replay-run.ts')).replayAside(context, processor!, asked, command)
      } finally {
        await context.close()
      }
    })
}

function gather(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value]
}

const positionsHelp = `
Positions, in every partition of the topics:
  start, end                     the first record there is, the end as it is now
  17                             this offset
  -1000, +1000                   so many offsets before or after what the group has committed; +0 is where it stands
  @2026-11-22T10:00Z, @-15m      the first record of this time or later; @now, @ and seconds or milliseconds since 1970

A record that fails is tried again in its place, with the delays of the group's tiers; what is behind it in its entity waits.
What is given up is written to a file, and the exit code is 1. Ctrl-C finishes what runs, and prints how to go on.`
