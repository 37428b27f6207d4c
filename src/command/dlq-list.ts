/** `spillway dlq list`: how many letters, by what they have in common. */
import type { Broker } from '../broker/port.ts'
import type { Letter } from '../dlq/letter.ts'
import { readLetters } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import type { DlqSource } from '../dlq/source.ts'
import { type LetterGroup, LetterSummary } from '../dlq/summary.ts'
import { codeOf } from '../errors.ts'
import type { Output } from './context.ts'
import { addressText, sourceOf, timeText, unreadableNote } from './dlq-words.ts'
import type { LetterTypes } from './letter-types.ts'
import { printable } from './printable.ts'
import { progressTo } from './progress.ts'

export const groupings = ['fingerprint', 'type', 'schema'] as const
export type Grouping = (typeof groupings)[number]

export interface ListOptions {
  readonly by: Grouping
  readonly selection: Selection
  readonly types: LetterTypes
  /** A group without a DLQ gets a word; else it is the end. */
  readonly skipMissing: boolean
}

interface Counted {
  readonly group: string
  readonly letters: readonly LetterGroup[]
  readonly others: LetterGroup | undefined
}

/** Rejects with DlqMissing (E_NO_DLQ), and with RegistryUnavailable when types are asked for. */
export async function listLetters(
  broker: Broker,
  output: Output,
  groups: readonly string[],
  options: ListOptions,
): Promise<void> {
  const counted: Counted[] = []
  for (const group of groups) {
    try {
      counted.push(await count(sourceOf(broker, group), output, options))
    } catch (error) {
      // Among all groups one that was never applied is worth a word, not the end.
      if (!options.skipMissing || codeOf(error) !== 'E_NO_DLQ') throw error
      output.note((error as Error).message)
    }
  }
  if (output.json) {
    output.list(
      'DeadLetterGroupList',
      counted.flatMap(one => jsonGroups(one, options.by)),
    )
    return
  }
  if (counted.length > 0) output.table(counted.flatMap(one => rows(one, options.by)))
  const [first] = counted.flatMap(({ group, letters }) => letters.map(({ oldest }) => `${group} ${addressText(oldest)}`))
  if (first) output.note(`\nTo see one: spillway dlq show ${first}`)
}

async function count(source: DlqSource, output: Output, { by, selection, types }: ListOptions): Promise<Counted> {
  const progress = progressTo(process.stderr, `reading ${source.group}`)
  const summary = new LetterSummary()
  const onLetter = async (letter: Letter): Promise<void> => summary.add(letter, await nameOf(letter, by, types))
  try {
    const { unreadableMoves } = await readLetters(source, onLetter, { selection, onProgress: progress.show })
    if (unreadableMoves > 0) output.note(unreadableNote(source.group, unreadableMoves))
  } finally {
    progress.end()
  }
  const letters = summary.groups()
  if (summary.others)
    output.note(
      `${source.group}: the letters of all but ${letters.length} groups are counted together as others. Choose fewer with --where`,
    )
  return { group: source.group, letters, others: summary.others }
}

/** Of a schema its id and its type, of which the registry says one for each id. */
async function nameOf(letter: Letter, by: Grouping, types: LetterTypes): Promise<string> {
  if (by === 'fingerprint') return letter.trail?.failure?.fingerprint ?? ''
  if (by === 'type') return (await types.typeOf(letter)) ?? ''
  const written = await types.writtenAs(letter)
  return written ? `${written.schemaId} ${written.type ?? ''}` : ''
}

function rows({ group, letters, others }: Counted, by: Grouping) {
  const all = [...letters.map(one => row(group, one, by, '')), ...(others ? [row(group, others, by, '(others)')] : [])]
  return all.length > 0 ? all : [emptyRow(group, by)]
}

function row(group: string, one: LetterGroup, by: Grouping, standIn: string) {
  const [schemaId, type] = by === 'schema' ? schemaOf(one.name) : [null, one.name]
  const names = {
    fingerprint: { error: shown(one.errorClass, standIn), fingerprint: shown(one.name, standIn) },
    type: { type: shown(one.name, standIn) },
    schema: { schema: schemaId === null ? shown('', standIn) : String(schemaId), type: shown(type ?? '', standIn) },
  }
  return {
    group,
    letters: one.letters,
    disposition: printable(one.dispositions.join(', ') || 'unknown'),
    ...names[by],
    'first seen': timeText(one.firstSeenMs),
    'last seen': timeText(one.lastSeenMs),
    oldest: addressText(one.oldest),
  }
}

function emptyRow(group: string, by: Grouping) {
  const names = { fingerprint: { error: '-', fingerprint: '-' }, type: { type: '-' }, schema: { schema: '-', type: '-' } }
  return { group, letters: 0, disposition: '-', ...names[by], 'first seen': '-', 'last seen': '-', oldest: '-' }
}

function shown(text: string, standIn: string): string {
  if (standIn !== '') return standIn
  return printable(text === '' ? '-' : text.length <= 60 ? text : `${text.slice(0, 59)}…`)
}

/** The shape is the same for all groupings: what does not apply is null. docs/cli.md has it. */
function jsonGroups({ group, letters, others }: Counted, by: Grouping): object[] {
  return [...letters.map(one => jsonGroup(group, one, by, false)), ...(others ? [jsonGroup(group, others, by, true)] : [])]
}

function jsonGroup(group: string, one: LetterGroup, by: Grouping, others: boolean): object {
  const [schemaId, type] = by === 'schema' ? schemaOf(one.name) : [null, by === 'type' ? one.name || null : null]
  return {
    group,
    by,
    fingerprint: by === 'fingerprint' ? one.name || null : null,
    type,
    schemaId,
    others,
    letters: one.letters,
    dispositions: one.dispositions,
    errorClass: others ? '' : one.errorClass,
    errorMessage: others ? '' : one.errorMessage,
    firstSeen: timeText(one.firstSeenMs),
    lastSeen: timeText(one.lastSeenMs),
    oldest: addressText(one.oldest),
  }
}

function schemaOf(name: string): [schemaId: number | null, type: string | null] {
  const at = name.indexOf(' ')
  return at < 0 ? [null, null] : [Number(name.slice(0, at)), name.slice(at + 1) || null]
}
