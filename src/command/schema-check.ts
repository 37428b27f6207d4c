/** `spillway schema check` */
import { Command } from 'commander'
import { environment, type Service } from '../config.ts'
import { UsageError } from '../errors.ts'
import { linesOf } from '../schema/avsc-lines.ts'
import { checkAgainstRegistry, type GateProblem, judge, type SubjectVerdict } from '../schema/gate.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { annotationLine } from './annotations.ts'
import { type CommandContext, exitWith, type Output, openContext, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'
import { type InFlightFlags, withInFlight } from './in-flight-flags.ts'
import {
  type Against,
  type AgainstFlags,
  filesBefore,
  type LevelFlag,
  levelOption,
  readAgainst,
  withAgainst,
} from './schema-against.ts'
import { alike, type Located, linesOfVerdict, pathIn, verdictInJson } from './schema-check-words.ts'
import { subjectsOf } from './schema-register.ts'

type Flags = AgainstFlags & LevelFlag & InFlightFlags

/** Exit code 5 when something is not compatible, or in flight and not readable. `open` is for tests. */
export function schemaCheckCommand(open: typeof openContext = openContext): Command {
  const command = new Command('check').description(
    'Whether this build can be deployed beside what was built before (--against), or can read what waits (--in-flight)',
  )
  return withInFlight(withAgainst(command).addOption(levelOption()))
    .addHelpText('after', help)
    .action(async (flags: Flags, command: Command) => {
      const { inFlight } = flags
      if (inFlight && command.getOptionValueSource('against') === 'cli')
        throw new UsageError('--in-flight reads records and --against compares schemas: run one after the other')
      const context = await open(command, { reach: inFlight === true })
      try {
        // Loaded here, so that `spillway --help` does not wait for the engine.
        if (inFlight) await (await import('./in-flight-check.ts')).checkInFlight(context, flags, command)
        else await check(context, flags, command)
      } finally {
        await context.close()
      }
    })
}

const help = `
Levels:
  BACKWARD   this build reads what the last version wrote; BACKWARD_TRANSITIVE: what all versions wrote
  FORWARD    the last version reads what this build writes; FORWARD_TRANSITIVE: all versions do
  FULL       both; FULL_TRANSITIVE: both, with all versions
  NONE       nothing is compared

git:<ref> and a folder need neither a registry nor a broker. Exit code 5 when something is not compatible.`

async function check(context: CommandContext, flags: Flags, command: Command): Promise<void> {
  const output = outputOf(command)
  const against = readAgainst(flags)
  const service = await context.service()
  const verdicts = await verdictsOf(against, flags, service, () => context.registry, output)
  const located = verdicts.map(verdict => locate(verdict, flags.dir))
  if (output.json)
    output.list(
      'SchemaCheckList',
      located.map(one => verdictInJson(one, flags)),
    )
  else for (const one of located) for (const line of linesOfVerdict(one)) output.line(line)
  annotate(located, output)
  const refused = verdicts.filter(({ compatible }) => !compatible)
  if (refused.length === 0) return
  output.note(`${refused.length} of ${verdicts.length} subjects are not compatible (${flags.level}, against ${flags.against})`)
  exitWith(command, exitCode.problemFound)
}

async function verdictsOf(
  against: Against,
  flags: Flags,
  service: Service,
  registry: () => SchemaRegistry,
  output: Output,
): Promise<SubjectVerdict[]> {
  const items = subjectsOf(service)
  if (against.kind === 'registry') return checkAgainstRegistry(registry(), items, flags.level)
  const { schemas, removed } = await filesBefore(against, flags, service)
  for (const name of removed)
    output.note(`note: ${name} is gone in this build: its records that are still there find no handler, and are skipped`)
  return Promise.all(
    items.map(item => {
      const before = schemas.get(item.schema.name)
      return judge(item, before === undefined ? [] : [before], flags.level)
    }),
  )
}

/** Where a problem stands in the files, as far as there are any: they may be in a package. */
function locate(verdict: SubjectVerdict, dir: string): Located {
  if (verdict.problems.length === 0) return { verdict, lineOf: () => undefined }
  try {
    const lineOf = linesOf(dir)
    return { verdict, lineOf: ({ place }: GateProblem) => lineOf(place) }
  } catch {
    return { verdict, lineOf: () => undefined }
  }
}

function annotate(located: readonly Located[], output: Output): void {
  const { GITHUB_ACTIONS, GITHUB_WORKSPACE } = environment()
  if (GITHUB_ACTIONS !== 'true') return
  for (const { verdict, lineOf } of located)
    for (const [first] of alike(verdict.problems)) {
      const annotation = {
        ...lineOf(first!),
        title: `${verdict.subject} is not compatible`,
        message: `${pathIn(verdict.type, first!.path)} ${first!.reason}${first!.earlier ? ` (${first!.earlier.label})` : ''}\n${first!.fix}`,
      }
      output.note(annotationLine(annotation, GITHUB_WORKSPACE ?? process.cwd()))
    }
}
