/** The tree of commands, and how a command line is carried out. */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { exitAskedFor, type GlobalOptions } from './context.ts'
import { exitCodeOf } from './exit-code.ts'
import { errorText } from './print-error.ts'

const examples = `
Examples:
  spillway dev                                  start a broker and a registry on this machine
  spillway topic apply                          create the topics that spillway.config.ts needs
  spillway schema check                         whether its schemas can read what was written before
  spillway schema register                      register its schemas
  spillway run                                  run all its consumers and workers
  spillway publish OrderPlaced < orders.jsonl   publish events from JSON lines
  spillway status                               how far each group is, what waits, what is dead
  spillway dlq list                             what became of the dead, grouped by error
  spillway replay spend --from @-1d             what its handlers would do again (a dry run)

Exit codes: 0 ok, 1 failed, 3 broker or registry unreachable, 4 refused for safety, 5 a check found a problem,
  64 wrong command line or configuration, 70 not stopped within its deadline, 124 time limit, 130 interrupted.`

export function buildProgram(commands: readonly Command[]): Command {
  const program = new Command('spillway')
    .description('Events and jobs on Kafka: topics, schemas, consumers and workers, dead letters.')
    .version(version(), '--version', 'print the version')
    .option('--config <file>', 'the service (default: spillway.config.ts, .js or .mjs in this folder)')
    .addOption(new Option('-o, --output <format>', 'how lists are printed').choices(['text', 'json']).default('text'))
    .option('--json', 'same as -o json')
    .option('--verbose', 'show stacks and what the Kafka client says')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', examples)
  for (const command of commands) program.addCommand(command)
  program.configureHelp({ showGlobalOptions: true })
  settle(program)
  return program
}

/**
 * Resolves with the exit code once the command is done; prints what it throws. `print` gets text for stderr, `clean` takes
 * secrets out of it.
 */
export async function runProgram(
  program: Command,
  argv: readonly string[],
  clean: (text: string) => string,
  debug: boolean,
): Promise<number> {
  try {
    await program.parseAsync(argv)
    return exitAskedFor(program)
  } catch (error) {
    const code = exitCodeOf(error)
    // Commander has printed its own message already.
    if (!isCommanders(error))
      process.stderr.write(`${clean(errorText(error, debug || program.opts<GlobalOptions>().verbose === true))}\n`)
    return code
  }
}

function isCommanders(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('commander.')
}

/** Settings that commands built elsewhere do not inherit: throw instead of exit, and errors of one form. */
function settle(command: Command): void {
  command.exitOverride()
  command.configureHelp({ showGlobalOptions: true })
  command.showHelpAfterError(command.parent ? `see: ${pathOf(command)} --help` : 'see: spillway --help')
  for (const child of command.commands) settle(child)
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
