/** `spillway dlq purge`: what would be purged; with --execute the export and then the purge. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { cannotPurge, type PurgeResult, purgeLetters } from '../dlq/purge.ts'
import { readLetters, type Taken } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import { type DlqSource, namesOf } from '../dlq/source.ts'
import { type LetterGroup, LetterSummary } from '../dlq/summary.ts'
import { ConfirmationMissing, GuardRefused } from '../errors.ts'
import { type CommandContext, exitWith, type Output, outputOf } from './context.ts'
import { lettersText, timeText, unreadableNote, whoami } from './dlq-words.ts'
import { exitCode } from './exit-code.ts'
import { newLetterFile } from './letter-file.ts'
import { printable } from './printable.ts'
import { progressTo } from './progress.ts'
import { stoppable } from './stoppable.ts'
import { shellWord } from './where.ts'

export interface PurgeFlags {
  readonly execute?: true
  readonly reason: string
  readonly file?: string
  readonly yes?: true
  readonly confirm?: string
}

interface PurgePlan {
  readonly group: string
  readonly letters: number
  /** Of the selected letters, by fingerprint, the largest first. */
  readonly fingerprints: readonly LetterGroup[]
  /** Letters that would be left: batches that cannot be read. */
  readonly stays: number
  readonly file: string
  readonly ends: ReadonlyMap<number, bigint>
  readonly unreadableMoves: number
}

/**
 * Rejects with ConfirmationMissing (E_CONFIRMATION) unless the group's name was typed or given, GuardRefused (E_GUARD), DlqMissing
 * (E_NO_DLQ). `text` is the choice as it stands on
 * a command line.
 */
export async function purgeChosen(
  { broker }: CommandContext,
  source: DlqSource,
  choice: { readonly selection: Selection; readonly text: () => string },
  command: Command,
  flags: PurgeFlags,
): Promise<void> {
  const output = outputOf(command)
  checkConfirmation(source.group, flags, output)
  const path = flags.file ?? `${source.group}-purged-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.jsonl`
  if (existsSync(path))
    throw new GuardRefused(`${printable(path)} exists already, and nothing is written over: name another with --file`)
  const plan = await planPurge(source, choice.selection, path)
  if (!flags.execute) {
    const file = flags.file ? ` --file ${shellWord(flags.file)}` : ''
    printPlan(plan, output, `spillway dlq purge ${source.group}${choice.text()}${file}`)
    return
  }
  for (const line of planLines(plan)) output.note(line)
  if (plan.letters > 0 && flags.confirm === undefined) await askForName(plan)
  const result = plan.letters === 0 ? nothing(plan) : await purged(broker, source, choice.selection, plan, command, flags)
  if (result) printResult(plan, result, command, output)
}

function checkConfirmation(group: string, { execute, yes, confirm }: PurgeFlags, output: Output): void {
  const how = `to purge without being asked: --execute --yes --confirm ${group}`
  if (confirm !== undefined && confirm !== group)
    throw new ConfirmationMissing(`nothing was purged: --confirm names '${printable(confirm)}', not '${group}'`)
  if (yes && confirm === undefined) throw new ConfirmationMissing(`nothing was purged: --yes needs --confirm; ${how}`)
  const canAsk = !output.json && process.stdin.isTTY && process.stderr.isTTY
  if (execute && confirm === undefined && !canAsk)
    throw new ConfirmationMissing(`nothing was purged: nobody can be asked here; ${how}`)
}

async function askForName({ group, letters }: PurgePlan): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`To purge ${lettersText(letters)}, type ${group}: `).finally(() => terminal.close())
  if (answer.trim() !== group) throw new ConfirmationMissing(`nothing was purged: that is not ${group}`)
}

async function planPurge(source: DlqSource, selection: Selection, file: string): Promise<PurgePlan> {
  const summary = new LetterSummary()
  const counts = { letters: 0, stays: 0 }
  const onLetter = (letter: Letter): Taken => {
    if (cannotPurge(letter)) {
      counts.stays++
      return 'left'
    }
    counts.letters++
    return summary.add(letter, letter.trail?.failure?.fingerprint ?? '')
  }
  const progress = progressTo(process.stderr, `reading ${source.group}`)
  const reading = readLetters(source, onLetter, { selection, onProgress: progress.show })
  const { ends, unreadableMoves } = await reading.finally(() => progress.end())
  return { group: source.group, ...counts, fingerprints: summary.groups(), file, ends, unreadableMoves }
}

function printPlan(plan: PurgePlan, output: Output, again: string): void {
  if (output.json) output.list('PurgePlan', [jsonPlan(plan)])
  else for (const line of planLines(plan)) output.line(line)
  if (plan.letters > 0)
    output.note(`\nNothing has been purged. To export them to ${printable(plan.file)} and purge them: ${again} --execute`)
}

function jsonPlan({ group, letters, stays, file, fingerprints }: PurgePlan): object {
  const kinds = fingerprints.map(one => ({
    fingerprint: one.name || null,
    errorClass: one.errorClass,
    letters: one.letters,
    firstSeen: timeText(one.firstSeenMs),
    lastSeen: timeText(one.lastSeenMs),
  }))
  return { group, letters, stays, file, fingerprints: kinds }
}

const linesOfFingerprints = 20

function planLines({ group, letters, fingerprints, stays, unreadableMoves }: PurgePlan): string[] {
  const more = fingerprints.length - linesOfFingerprints
  return [
    letters === 0 ? `${group}: no letters to purge` : `${group}: ${lettersText(letters)} to purge`,
    ...fingerprints
      .slice(0, linesOfFingerprints)
      .map(one => `  ${lettersText(one.letters)}  ${printable(`${one.errorClass || '-'}  ${one.name || '-'}`)}`),
    ...(more > 0 ? [`  and those of ${more} fingerprints more`] : []),
    ...(stays > 0 ? [`  ${lettersText(stays)} left: batches that cannot be read, and so not be exported`] : []),
    ...(unreadableMoves > 0 ? [`  ${unreadableNote(group, unreadableMoves)}`] : []),
  ]
}

function nothing({ stays }: PurgePlan): PurgeResult {
  return { runId: '', purged: 0, stayed: stays, interrupted: false }
}

async function purged(
  broker: Broker,
  source: DlqSource,
  selection: Selection,
  plan: PurgePlan,
  command: Command,
  flags: PurgeFlags,
): Promise<PurgeResult | undefined> {
  const producer = broker.transactionalProducer(namesOf(source).transactionalId)
  const file = await newLetterFile(plan.file)
  const progress = progressTo(process.stderr, `exporting ${source.group}`)
  const options = {
    runId: randomUUID(),
    who: whoami(),
    reason: flags.reason,
    selection,
    ends: plan.ends,
    onProgress: progress.show,
  }
  try {
    return await stoppable(command, {
      run: signal => purgeLetters(source, producer, file, { ...options, signal }),
      stopping: 'stopping',
      givenUp: () => `given up: see what is left with spillway dlq list ${source.group}`,
    })
  } finally {
    progress.end()
    await file.discard()
  }
}

function printResult(plan: PurgePlan, result: PurgeResult, command: Command, output: Output): void {
  const file = result.purged > 0 ? plan.file : null
  if (output.json) output.list('PurgeResult', [{ group: plan.group, ...result, file }])
  else if (result.purged > 0)
    output.line(`${plan.group}: ${lettersText(result.purged)} purged, exported to ${printable(plan.file)}, run ${result.runId}`)
  if (!result.interrupted) return
  output.note('Interrupted: nothing was purged, there is no file')
  exitWith(command, exitCode.interrupted)
}
