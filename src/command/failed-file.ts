/** Where a replay keeps what it has given up: JSON lines, like those of `dlq export`, each on disk before its record counts as finished. */
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { GuardRefused } from '../errors.ts'
import { printable } from './printable.ts'

export interface FailedFile {
  readonly path: string
  /** Resolves when the line would survive a loss of power. */
  write(line: string): Promise<void>
  /** Takes the file away when nothing is in it. Tells whether something is. */
  close(): Promise<boolean>
}

/**
 * A new file; with `goesOn` also one that is there, which is added to. Rejects with GuardRefused (E_GUARD), and with what the file
 * system says: before anything is replayed. Others may not read it: it holds payloads.
 */
export async function openFailedFile(path: string, { goesOn }: { readonly goesOn: boolean }): Promise<FailedFile> {
  const handle = await create(path, goesOn)
  let size = await endOfLine(handle)
  let lines: string[] = []
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    next = undefined
    const text = lines.join('')
    lines = []
    await handle.appendFile(text)
    await handle.datasync()
    size += text.length
  }
  return {
    path,
    // One write for all that come while another is under way.
    write(line) {
      lines.push(`${line}\n`)
      next ??= writing.then(flush, flush)
      writing = next
      return next
    },
    async close() {
      await writing.catch(() => {})
      await handle.close()
      if (size === 0) await unlink(path).catch(() => {})
      return size > 0
    },
  }
}

async function create(path: string, goesOn: boolean): Promise<FileHandle> {
  try {
    return await open(path, goesOn ? 'a+' : 'ax+', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new GuardRefused(`${printable(path)} exists already, and nothing is written over: name another file with --file`, {
      cause,
    })
  }
}

/** The size of the file. What was cut off by a kill stands on a line of its own, so that it spoils no other. */
async function endOfLine(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat()
  if (size === 0) return 0
  const last = Buffer.alloc(1)
  await handle.read(last, 0, 1, size - 1)
  if (last.toString() !== '\n') await handle.appendFile('\n')
  return size
}
