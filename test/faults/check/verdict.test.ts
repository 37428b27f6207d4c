/** The checker must find each kind of breach in a log that has it, or a passing fault test says nothing. */
import { describe, expect, it } from 'vitest'
import type { Acked, Happening, Line } from './events.ts'
import { nothingDied, verdictOf } from './verdict.ts'

const steps = 'steps'
const at = (key: string, seq: number, offset = seq, attempt = 1) => ({
  topic: steps,
  partition: 0,
  offset: String(offset),
  key,
  seq,
  attempt,
})
const acked = (key: string, seq: number, offset = seq): Acked => ({
  topic: steps,
  partition: 0,
  offset: String(offset),
  key,
  seq,
})
const commit = (offset: number, above: [string, string][] = []) => ({ topic: steps, partition: 0, offset: String(offset), above })
const by = (who: string, ...happenings: Happening[]): Line[] => happenings.map(one => ({ ...one, who, at: 0 }))
const joined: Happening = { what: 'joined', partitions: 1 }
const received = (...of: Parameters<typeof at>): Happening => ({ what: 'received', ...at(...of) })
/** Attempt 2's copy of a record. */
const fetched = (key: string, seq: number, tierOffset: number): Happening => ({
  what: 'fetched',
  ...at(key, seq, seq, 2),
  copy: { topic: 'tier', partition: 0, offset: String(tierOffset) },
})
const effect = (...of: Parameters<typeof at>): Happening => ({ what: 'effect', ...at(...of) })
const failed = (...of: Parameters<typeof at>): Happening => ({ what: 'failed', ...at(...of) })
const retried = (...of: Parameters<typeof at>): Happening => ({ what: 'retried', ...at(...of) })
const letter = (...of: Parameters<typeof at>): Happening => ({
  what: 'dead-lettered',
  ...at(...of),
  disposition: 'exhausted',
  reason: 'Error',
})
const commits = (...offsets: ReturnType<typeof commit>[]): Happening[] => [
  { what: 'committing', offsets },
  { what: 'committed', offsets },
]
const killed: Happening = { what: 'killed' }

describe('a log without a breach', () => {
  it('passes: in order, retried, dead-lettered, committed, handed to another process', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), received('b', 1), effect('b', 1), ...commits(commit(0, [['1', '2']]))),
      ...by('w1', effect('a', 0), received('a', 2), failed('a', 2), retried('a', 2), ...commits(commit(3))),
      ...by('w1', { what: 'drained', unfinished: 0 }, { what: 'stopped', code: 0 }),
      ...by('w2', joined, received('a', 2, 2, 2), failed('a', 2, 2, 2), letter('a', 2, 2, 2)),
    ]
    const verdict = verdictOf(lines, [acked('a', 0), acked('b', 1), acked('a', 2)])
    expect(verdict).toMatchObject({
      ...nothingDied,
      acked: 3,
      executions: 4,
      deadLettered: 1,
      joins: 2,
      mayDouble: 0,
      examples: [],
    })
  })
})

describe('ends', () => {
  it('finds an acknowledged message that nobody was given', () => {
    expect(verdictOf(by('w1', joined), [acked('a', 0)])).toMatchObject({ lost: 1, neverEnded: 0, examples: ['lost: steps/0/0'] })
  })

  it('finds one that was begun and never ended, acknowledged or not, whether the last try failed or is still out', () => {
    expect(verdictOf(by('w1', joined, received('a', 0)), [acked('a', 0)])).toMatchObject({ lost: 0, neverEnded: 1 })
    expect(verdictOf(by('w1', joined, received('a', 0), failed('a', 0), retried('a', 0)), [])).toMatchObject({ neverEnded: 1 })
  })

  it('finds one that was done and dead-lettered, and one with two letters', () => {
    const lines = by('w1', joined, received('a', 0), effect('a', 0), letter('a', 0), letter('a', 0))
    expect(verdictOf(lines, [acked('a', 0)])).toMatchObject({ twoEnds: 1, deadLettered: 1, lettersDoubled: 1 })
  })

  it('takes a letter without an execution for an end: undecodable bytes never reach a handler', () => {
    expect(verdictOf(by('w1', joined, letter('a', 0)), [acked('a', 0)])).toMatchObject({ lost: 0, neverEnded: 0 })
  })
})

describe('doubles', () => {
  it('finds one that nothing explains: the first process lives', () => {
    const lines = [...by('w1', joined, received('a', 0), effect('a', 0)), ...by('w2', joined, received('a', 0), effect('a', 0))]
    expect(verdictOf(lines, [acked('a', 0)])).toMatchObject({ doubled: 1, unexplained: 1, mayDouble: 0 })
  })

  it('allows what a kill caught running or uncommitted', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), effect('a', 0), received('b', 1), killed),
      ...by('w2', joined, received('a', 0), received('b', 1), effect('a', 0), effect('b', 1)),
    ]
    expect(verdictOf(lines, [acked('a', 0), acked('b', 1)])).toMatchObject({ doubled: 2, unexplained: 0, mayDouble: 2, kills: 1 })
  })

  it('finds one that the killed process had committed, below or above the prefix', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), received('b', 1), received('c', 2), effect('a', 0), effect('c', 2)),
      ...by('w1', ...commits(commit(1, [['2', '3']])), killed),
      ...by('w2', joined, ...['a', 'b', 'c'].flatMap((key, i) => [received(key, i), effect(key, i)])),
    ]
    expect(verdictOf(lines, [])).toMatchObject({ doubled: 3, unexplained: 2, mayDouble: 1 })
  })

  it('does not believe a commit that was sent and never acknowledged', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), effect('a', 0), { what: 'committing', offsets: [commit(1)] }, killed),
      ...by('w2', joined, received('a', 0), effect('a', 0)),
    ]
    expect(verdictOf(lines, [])).toMatchObject({ doubled: 1, unexplained: 0 })
  })

  it('allows what a process ran whose last commit was refused, even if it notices after another one took over', () => {
    const refused: Happening = { what: 'commit-failed', error: '' }
    const first = by('w1', joined, received('a', 0), effect('a', 0))
    const second = by('w2', joined, received('a', 0), effect('a', 0))
    expect(verdictOf([...first, ...second, ...by('w1', refused)], [])).toMatchObject({ doubled: 1, unexplained: 0, mayDouble: 1 })
    const again = [...first, ...by('w1', refused, ...commits(commit(1))), ...second]
    expect(verdictOf(again, [])).toMatchObject({ doubled: 1, unexplained: 1, mayDouble: 0 })
    // That the second one is killed later on is no excuse for it.
    expect(verdictOf([...first, ...second, ...by('w2', killed)], [])).toMatchObject({ doubled: 1, unexplained: 1 })
  })

  it('allows one that the older assignment begins last, as long as it does not know that it is lost', () => {
    const [older, newer] = [by('w1', joined), by('w2', joined, received('a', 0), effect('a', 0), ...commits(commit(1)))]
    const run = by('w1', received('a', 0), effect('a', 0))
    const refused = by('w1', { what: 'commit-failed', error: 'AssignmentLost: the group has moved on' })
    const caught = { doubled: 1, unexplained: 0, mayDouble: 1 }
    expect(verdictOf([...older, ...newer, ...run, ...refused], [])).toMatchObject(caught)
    expect(verdictOf([...older, ...newer, ...refused, ...run], [])).toMatchObject({ doubled: 1, unexplained: 1 })
    expect(verdictOf([...older, ...newer, ...run], [])).toMatchObject({ doubled: 1, unexplained: 1 })
    // It is the reason of its own run and of no other.
    const third = by('w3', joined, received('a', 0), effect('a', 0))
    expect(verdictOf([...older, ...newer, ...run, ...refused, ...third], [])).toMatchObject({ doubled: 2, unexplained: 1 })
  })

  it('allows a third run only if the second was caught as well', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), killed),
      ...by('w2', joined, received('a', 0), effect('a', 0), { what: 'crashed', error: '' }),
      ...by('w2', joined, received('a', 0), effect('a', 0), ...commits(commit(1))),
    ]
    expect(verdictOf(lines, [])).toMatchObject({ doubled: 2, unexplained: 0, mayDouble: 2 })
  })

  it('takes each kill for the reason of one double, not of all that follow', () => {
    const lines = [
      ...by('w1', joined, received('a', 0), killed),
      ...by('w2', joined, received('a', 0), effect('a', 0), ...commits(commit(1))),
      ...by('w3', joined, received('a', 0), effect('a', 0), ...commits(commit(1))),
    ]
    expect(verdictOf(lines, [])).toMatchObject({ doubled: 2, unexplained: 1, mayDouble: 1 })
  })

  it('lets the doubles of an attempt follow from two copies, one for each failure of the attempt before', () => {
    const first = [received('a', 0), failed('a', 0)]
    const second = [received('a', 0, 0, 2), effect('a', 0, 0, 2)]
    const copies = [fetched('a', 0, 7), fetched('a', 0, 8)]
    const followed = (...fromTier: Happening[]) =>
      verdictOf([...by('w1', joined, ...first, killed), ...by('w2', joined, ...first, ...fromTier, ...second, ...second)], [])
    expect(followed(...copies)).toMatchObject({ doubled: 2, unexplained: 0, mayDouble: 2 })
    // One copy is one run, read again or not, and so are two of which one has no failure behind it.
    expect(followed(copies[0]!)).toMatchObject({ doubled: 2, unexplained: 1, mayDouble: 1 })
    expect(followed(copies[0]!, copies[0]!)).toMatchObject({ doubled: 2, unexplained: 1, mayDouble: 1 })
    const once = by('w2', joined, ...first, ...copies, ...second, ...second)
    expect(verdictOf(once, [])).toMatchObject({ doubled: 1, unexplained: 1, mayDouble: 0 })
  })

  it('allows a record and its copy to run when what moved it did not live to commit that, and only then', () => {
    const wait = by('w1', { what: 'followed', ...at('a', 0) })
    const copy: Happening = { what: 'fetched', ...at('a', 0), copy: { topic: 'tier', partition: 0, offset: '3' } }
    const run = [received('a', 0), effect('a', 0)]
    const source = by('w2', joined, ...run, ...commits(commit(1)))
    const both = by('w2', copy, ...run)
    const crashed = by('w1', { what: 'crashed', error: '' })
    const caught = { doubled: 1, unexplained: 0, mayDouble: 1 }
    const joins = by('w1', joined)
    expect(verdictOf([...joins, ...wait, ...by('w1', killed), ...source, ...both], [])).toMatchObject(caught)
    // Acknowledged after its assignment was over, and another process has run the record.
    expect(verdictOf([...joins, ...crashed, ...source, ...wait, ...both], [])).toMatchObject(caught)
    expect(verdictOf([...joins, ...crashed, ...joins, ...source, ...wait, ...both], [])).toMatchObject(caught)
    const drained = by('w1', { what: 'drained', unfinished: 1 })
    expect(verdictOf([...joins, ...drained, ...joins, ...source, ...wait, ...both], [])).toMatchObject(caught)
    // Killed before it could tell.
    expect(verdictOf([...joins, ...by('w1', killed), ...source, ...both], [])).toMatchObject(caught)

    const breach = { doubled: 1, unexplained: 1, mayDouble: 0 }
    expect(verdictOf([...joins, ...wait, ...source, ...both], [])).toMatchObject(breach)
    expect(verdictOf([...joins, ...wait, ...by('w1', ...commits(commit(1)), killed), ...source, ...both], [])).toMatchObject(
      breach,
    )
    // That it left the copy unread is no reason.
    const left = by('w1', ...commits(commit(1)), copy, killed)
    expect(verdictOf([...joins, ...wait, ...left, ...by('w2', joined), ...both, ...by('w2', ...run)], [])).toMatchObject(breach)
    // Nor is a copy that nobody tells of, or that is there twice, while nobody was killed.
    const later = by('w1', ...run, ...commits({ ...commit(4), topic: 'tier' }), ...run)
    expect(verdictOf([...joins, ...by('w1', copy), ...later], [])).toMatchObject(breach)
    const second: Happening = { what: 'fetched', ...at('a', 0), copy: { topic: 'tier', partition: 0, offset: '4' } }
    const twice = by('w1', ...commits(commit(1)), copy, second, ...run, ...run)
    expect(verdictOf([...joins, ...wait, ...twice], [])).toMatchObject(breach)
    // One is not the reason of two.
    expect(verdictOf([...joins, ...wait, ...by('w1', killed), ...source, ...both, ...by('w2', ...run)], [])).toMatchObject({
      doubled: 2,
      unexplained: 1,
    })
  })

  it('holds a later attempt against the commits of the tier that its copy lies in', () => {
    const begun = [joined, fetched('a', 0, 7), received('a', 0, 0, 2), effect('a', 0, 0, 2)]
    const again = by('w2', ...begun)
    const caught = { doubled: 1, unexplained: 0, mayDouble: 1 }
    const inTier = (offset: number) => ({ ...commit(offset), topic: 'tier' })
    expect(verdictOf([...by('w1', ...begun, killed), ...again], [])).toMatchObject(caught)
    expect(verdictOf([...by('w1', ...begun, ...commits(commit(9), inTier(7)), killed), ...again], [])).toMatchObject(caught)
    expect(verdictOf([...by('w1', ...begun, ...commits(inTier(8)), killed), ...again], [])).toMatchObject({
      doubled: 1,
      unexplained: 1,
      mayDouble: 0,
    })
  })

  it('allows both copies of an attempt to run again when a kill caught both', () => {
    const second = [received('a', 0, 0, 2), effect('a', 0, 0, 2)]
    const copies = [fetched('a', 0, 7), fetched('a', 0, 8)]
    const lines = (...before: Happening[]) => [
      ...by('w1', joined, received('a', 0), failed('a', 0), killed),
      ...by('w2', joined, received('a', 0), failed('a', 0), ...copies, ...second, ...second, ...before, killed),
      ...by('w3', joined, ...copies, ...second, ...second),
    ]
    expect(verdictOf(lines(), [])).toMatchObject({ doubled: 4, unexplained: 0, mayDouble: 5 })
    const one = commits({ ...commit(8), topic: 'tier' })
    expect(verdictOf(lines(...one), [])).toMatchObject({ doubled: 4, unexplained: 1, mayDouble: 4 })
  })
})

describe('order', () => {
  it('finds a first success before that of an earlier message, and does not mind repeats', () => {
    const turned = by('w1', joined, effect('a', 0), effect('a', 2), effect('a', 1))
    expect(verdictOf(turned, [])).toMatchObject({ outOfOrder: 1 })
    expect(verdictOf(by('w1', joined, effect('a', 0), effect('a', 1), effect('a', 0)), [])).toMatchObject({ outOfOrder: 0 })
  })

  it('finds acknowledged messages that lie in the log in another order than they were published in', () => {
    const lines = by('w1', joined, effect('a', 2, 0), effect('a', 1, 1))
    expect(verdictOf(lines, [acked('a', 2, 0), acked('a', 1, 1)])).toMatchObject({ outOfOrder: 1 })
    expect(verdictOf(lines, [acked('a', 1, 1)])).toMatchObject({ outOfOrder: 0 })
  })
})

describe('overlaps', () => {
  it('finds an entity in two processes at once, but not after the first one died or gave up', () => {
    const second = by('w2', joined, received('a', 1), effect('a', 1))
    expect(verdictOf([...by('w1', joined, received('a', 0)), ...second], [])).toMatchObject({ overlaps: 1, brokenLanes: 0 })
    expect(verdictOf([...by('w1', joined, received('a', 0), killed), ...second], [])).toMatchObject({ overlaps: 0 })
    expect(verdictOf([...by('w1', joined, received('a', 0), failed('a', 0)), ...second], [])).toMatchObject({ overlaps: 0 })
    expect(verdictOf([...by('w1', joined, received('b', 0)), ...second], [])).toMatchObject({ overlaps: 0 })
  })

  it('finds an entity that runs twice at once in one process', () => {
    expect(verdictOf(by('w1', joined, received('a', 0), received('a', 1)), [])).toMatchObject({ overlaps: 0, brokenLanes: 1 })
  })
})

describe('commits', () => {
  it('finds a record called finished before it was, below the prefix or above it', () => {
    const open = by('w1', joined, received('a', 0), received('b', 1))
    expect(verdictOf([...open, ...by('w1', ...commits(commit(2)))], [])).toMatchObject({ commitsAhead: 2 })
    expect(verdictOf([...open, ...by('w1', ...commits(commit(0, [['1', '2']])))], [])).toMatchObject({ commitsAhead: 1 })
    expect(verdictOf([...open, ...by('w1', failed('a', 0), ...commits(commit(1)))], [])).toMatchObject({ commitsAhead: 1 })
    expect(verdictOf([...open, ...by('w1', effect('a', 0), ...commits(commit(1)))], [])).toMatchObject({ commitsAhead: 0 })
    expect(verdictOf([...open, ...by('w1', retried('a', 0), ...commits(commit(1)))], [])).toMatchObject({ commitsAhead: 0 })
  })

  it('finds a commit that goes back', () => {
    expect(verdictOf([...by('w1', ...commits(commit(5))), ...by('w2', ...commits(commit(4)))], [])).toMatchObject({
      commitsBack: 1,
    })
  })
})
