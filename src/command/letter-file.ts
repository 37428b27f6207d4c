/** Where exported letters are written: a new file, or stdout. */
import { once } from 'node:events'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { LetterFile } from '../dlq/purge.ts'
import { GuardRefused } from '../errors.ts'
import { printable } from './printable.ts'

export interface NewFile extends LetterFile {
  /** Takes it away, unless it is finished. Never rejects. */
  discard(): Promise<void>
}

/** Bytes gathered before they are written: a call for each line would cost more than the reading. */
const gatherBytes = 256 * 1024

/** Rejects with GuardRefused (E_GUARD), and with what the file system says. Others may not read it: it holds payloads. */
export async function newLetterFile(path: string): Promise<NewFile> {
  const handle = await create(path)
  let lines: string[] = []
  let gathered = 0
  let fate: 'finished' | 'discarded' | undefined
  const flush = async (): Promise<void> => {
    const text = lines.join('')
    lines = []
    gathered = 0
    await handle.appendFile(text)
  }
  return {
    name: path,
    async write(line) {
      lines.push(`${line}\n`)
      gathered += line.length
      if (gathered >= gatherBytes) await flush()
    },
    async finish() {
      await flush()
      await handle.sync()
      await handle.close()
      await syncFolder(dirname(resolve(path)))
      // Given up meanwhile: whoever waits for this must not think that the file is there.
      if (fate === 'discarded') throw new Error(`${path} was taken away again`)
      fate = 'finished'
    },
    async discard() {
      if (fate) return
      fate = 'discarded'
      await handle.close().catch(() => {})
      await unlink(path).catch(() => {})
    },
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new GuardRefused(`${printable(path)} exists already, and nothing is written over: name another file with --file`, {
      cause,
    })
  }
}

/** A file survives a loss of power only if its folder's entry does. Not every system can sync a folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close().catch(() => {})
}

/** `onGone` is called when nobody reads it any more, as with `| head`. */
export function stdoutLetters(onGone: () => void): Pick<LetterFile, 'write'> {
  const { stdout } = process
  return {
    async write(line) {
      if (!stdout.destroyed && !stdout.write(`${line}\n`) && !stdout.destroyed) {
        const done = new AbortController()
        const ends = ['drain', 'close'].map(event => once(stdout, event, { signal: done.signal }).catch(() => {}))
        await Promise.race(ends)
        done.abort()
      }
      if (stdout.destroyed) onGone()
    },
  }
}
