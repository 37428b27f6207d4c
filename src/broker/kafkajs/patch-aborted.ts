/**
 * Which records of an answer belong to aborted transactions, in place of kafkajs's own filter:
 * - theirs takes any record whose key is four zero bytes (the integer 0 of a Java producer) for the end of the transaction
 *   and hands out the rest of an aborted one as if it had been committed;
 * - theirs opens one aborted transaction a record, so of two that began before the first record the second is handed out.
 */
import type { AbortedTransaction, RawMessage } from './internals.ts'

export function withoutAborted(answer: {
  readonly messages: readonly RawMessage[]
  readonly abortedTransactions?: readonly AbortedTransaction[] | null | undefined
}): readonly RawMessage[] {
  if (!answer.abortedTransactions?.length) return answer.messages
  const waiting = answer.abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, from: BigInt(firstOffset) }))
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  const aborting = new Set<string>()
  let next = 0
  return answer.messages.filter(message => {
    const offset = BigInt(message.offset)
    for (; next < waiting.length && waiting[next]!.from <= offset; next++) aborting.add(waiting[next]!.producerId)
    const context = message.batchContext
    if (context === undefined) return true
    if (message.isControlRecord) {
      if (isAbort(message.key)) aborting.delete(context.producerId)
      return true
    }
    return !(context.inTransaction && aborting.has(context.producerId))
  })
}

// The key of a control record: a version, then the kind, both int16. 0 aborts, 1 commits.
function isAbort(key: Buffer | null): boolean {
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0
}
