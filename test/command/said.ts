/** What a command says, caught as it is written. */
import { onTestFinished, vi } from 'vitest'

export interface Said {
  out: string
  err: string
}

/** Nothing reaches the terminal until the test that asks is over; it may empty the texts. */
export function catchSaid(): Said {
  const said: Said = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    said.out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    said.err += text
    return true
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return said
}
