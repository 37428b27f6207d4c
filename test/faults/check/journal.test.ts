import { appendFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openJournal as openOfWorker } from '../child/journal.ts'
import { openJournal } from '../journal.ts'

test('what a process was writing when it was killed is passed over, and nothing else', () => {
  const journal = openJournal()
  const [first, second] = ['w1', 'w2'].map(who => openOfWorker(journal.path, who))
  first!({ what: 'started' })
  appendFileSync(journal.path, '\n{"who":"w1","at":1,"what":"effect","key":"entity-1')
  second!({ what: 'started' })
  second!({ what: 'stopped', code: 0 })
  expect(journal.lines().map(({ who, what }) => `${who} ${what}`)).toEqual(['w1 started', 'w2 started', 'w2 stopped'])
})
