/** `spillway dlq export`: letters as JSON lines, to stdout or a file. */
import type { Command } from 'commander'
import { exportLine } from '../dlq/export.ts'
import type { Letter } from '../dlq/letter.ts'
import { type ReadResult, readLetters } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import type { DlqSource } from '../dlq/source.ts'
import { exitWith, outputOf } from './context.ts'
import { lettersText, unreadableNote } from './dlq-words.ts'
import { exitCode } from './exit-code.ts'
import { newLetterFile, stdoutLetters } from './letter-file.ts'
import { printable } from './printable.ts'
import { progressTo } from './progress.ts'
import { stoppable } from './stoppable.ts'

/** Rejects with DlqMissing (E_NO_DLQ) and GuardRefused (E_GUARD). A file that is not whole is taken away again. */
export async function exportLetters(
  source: DlqSource,
  selection: Selection,
  command: Command,
  path: string | undefined,
): Promise<void> {
  const { note } = outputOf(command)
  const gone = new AbortController()
  const file = path === undefined ? undefined : await newLetterFile(path)
  const { write } = file ?? stdoutLetters(() => gone.abort())
  let written = 0
  const onLetter = async (letter: Letter): Promise<void> => {
    await write(exportLine(source.group, letter))
    written++
  }
  const run = async (signal: AbortSignal): Promise<ReadResult> => {
    const progress = progressTo(process.stderr, `exporting ${source.group}`)
    const both = AbortSignal.any([signal, gone.signal])
    const reading = readLetters(source, onLetter, { selection, signal: both, onProgress: progress.show })
    const result = await reading.finally(() => progress.end())
    if (!result.cutShort) await file?.finish()
    return result
  }
  try {
    const result = await stoppable(command, { run, stopping: 'stopping', givenUp: () => 'given up' })
    if (!result || gone.signal.aborted) return
    if (result.unreadableMoves > 0) note(unreadableNote(source.group, result.unreadableMoves))
    if (result.cutShort) exitWith(command, exitCode.interrupted)
    note(ending(source.group, written, path, result.cutShort))
  } finally {
    await file?.discard()
  }
}

function ending(group: string, written: number, path: string | undefined, cutShort: boolean): string {
  if (!cutShort) return `${group}: ${lettersText(written)} exported${path === undefined ? '' : ` to ${printable(path)}`}`
  return `Interrupted: ${path === undefined ? `${lettersText(written)} exported, not all` : 'there is no file'}`
}
