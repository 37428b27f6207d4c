import { appendFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openJournal } from '../journal.ts'

it('reads all lines but one that a killed process left half, whatever comes behind it', () => {
  const journal = openJournal()
  journal.write('w1', { what: 'started' })
  appendFileSync(journal.path, '\n{"who":"w1","at":1,"what":"eff')
  expect(journal.lines()).toHaveLength(1)
  journal.write('w2', { what: 'started' })
  journal.write('w1', { what: 'killed' })
  expect(journal.lines().map(({ who, what }) => `${who} ${what}`)).toEqual(['w1 started', 'w2 started', 'w1 killed'])
  expect(journal.torn()).toBe(1)
})
