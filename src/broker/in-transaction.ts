import type { OutgoingRecord, TransactionalProducer } from './port.ts'

/**
 * Sends all of it in one transaction. Rejects as `send` and `commit` do: by `send`, and nothing of it will be seen; by `commit`, and
 * it is not known.
 */
export async function inTransaction(producer: TransactionalProducer, records: readonly OutgoingRecord[]): Promise<void> {
  try {
    await producer.send(records)
  } catch (error) {
    // The first failure is the one to tell; a broker that cannot be told aborts by itself.
    await producer.abort().catch(() => {})
    throw error
  }
  await producer.commit()
}
