/**
 * What a worker child writes down, one JSON object a line, into a file that all children of a test append to: the order of its
 * lines is the order in which things happened, over all of them. A SIGKILL loses no line that was written, and may cut its last one.
 */

/** The record that an attempt is about: where it was published, not where its copy lies. */
export interface Attempt {
  readonly topic: string
  readonly partition: number
  /** Decimal. */
  readonly offset: string
  readonly key: string
  /** The publisher's own number within the key. */
  readonly seq: number
  /** 1 at the first try. */
  readonly attempt: number
}

export interface Committed {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** Finished above it: `[from, to)`, from <= offset < to. */
  readonly above: readonly (readonly [string, string])[]
}

type About = Pick<Attempt, 'topic' | 'partition' | 'offset' | 'attempt'>

export type Happening =
  /** It has begun, and SIGTERM stops it in order from now on. */
  | { readonly what: 'started' }
  | { readonly what: 'joined'; readonly partitions: number }
  /** A record of a tier was handed over, for the first time or again: this attempt's copy lies there. */
  | ({ readonly what: 'fetched'; readonly copy: Pick<Attempt, 'topic' | 'partition' | 'offset'> } & About)
  /** A handler was called. */
  | ({ readonly what: 'received' } & Attempt)
  /** It did its work and is about to return. */
  | ({ readonly what: 'effect' } & Attempt)
  /** It gave up: it threw, or its signal told it to. */
  | ({ readonly what: 'failed' } & Attempt)
  /** A copy for the next attempt is acknowledged. */
  | ({ readonly what: 'retried' } & About)
  /** A copy is acknowledged that waits in a tier behind an earlier message of the entity. */
  | ({ readonly what: 'followed' } & About)
  | ({ readonly what: 'dead-lettered'; readonly disposition: string; readonly reason: string } & About)
  /** A commit is about to be sent. */
  | { readonly what: 'committing'; readonly offsets: readonly Committed[] }
  /** It was acknowledged. */
  | { readonly what: 'committed'; readonly offsets: readonly Committed[] }
  | { readonly what: 'commit-failed'; readonly error: string }
  /** What ran when the assignment was to be given up has finished, but for `unfinished`. */
  | { readonly what: 'drained'; readonly unfinished: number }
  | { readonly what: 'crashed'; readonly error: string }
  /** The longest that the event loop stood still since the line before of this kind. */
  | { readonly what: 'stalled'; readonly longestMs: number }
  | { readonly what: 'stopped'; readonly code: number }
  /** Written by the test, once a process that it SIGKILLed is gone. */
  | { readonly what: 'killed' }

export type Line = Happening & {
  /** One process. */
  readonly who: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What the publisher was told is written. */
export interface Acked {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly key: string
  readonly seq: number
}

export function idOf({ topic, partition, offset }: Pick<Attempt, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}
