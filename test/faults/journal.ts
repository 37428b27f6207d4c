/** The test's side of the log that worker children append to. */
import { appendFileSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Happening, idOf, type Line } from './check/events.ts'

export interface Journal {
  readonly path: string
  /** Everything so far, in the order of writing, over all processes. */
  lines(): readonly Line[]
  /** How many messages have ended: done or dead-lettered. */
  ended(): number
  /** Whether this process has written a line of this kind. */
  wrote(who: string, what: Happening['what']): boolean
  /** Lines of which only the beginning is there: a process that is killed may leave one. */
  torn(): number
  write(who: string, happening: Happening): void
}

/** It is kept when the test fails. */
export function openJournal(): Journal {
  const folder = mkdtempSync(join(tmpdir(), 'it-faults-'))
  const path = join(folder, 'journal.jsonl')
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') console.log(`what the processes wrote: ${path}`)
    else rmSync(folder, { recursive: true })
  })
  const file = openSync(path, 'a+')
  const lines: Line[] = []
  const ended = new Set<string>()
  const kinds = new Set<string>()
  const buffer = Buffer.alloc(256 * 1024)
  let torn = 0
  let rest = ''
  let position = 0
  const read = () => {
    for (;;) {
      const bytes = readSync(file, buffer, 0, buffer.length, position)
      if (bytes === 0) return
      position += bytes
      // ASCII throughout: no character is cut in two.
      const texts = (rest + buffer.toString('latin1', 0, bytes)).split('\n')
      rest = texts.pop()!
      for (const text of texts) {
        if (text === '') continue
        const line = parsed(text)
        if (line === undefined) {
          torn++
          continue
        }
        lines.push(line)
        kinds.add(`${line.who} ${line.what}`)
        if (line.what === 'effect' || line.what === 'dead-lettered') ended.add(idOf(line))
      }
    }
  }
  return {
    path,
    lines: () => {
      read()
      return lines
    },
    ended: () => {
      read()
      return ended.size
    },
    wrote: (who, what) => {
      read()
      return kinds.has(`${who} ${what}`)
    },
    torn: () => {
      read()
      return torn
    },
    write: (who, happening) => appendFileSync(path, `\n${JSON.stringify({ who, at: Date.now(), ...happening })}\n`),
  }
}

function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}
