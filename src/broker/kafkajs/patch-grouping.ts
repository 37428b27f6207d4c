/** The messages of a send by partition. kafkajs copies the list for every message: quadratic, and felt from some thousand records on. */
export function byPartition<Message>(send: {
  readonly topic: string
  readonly partitionMetadata: readonly unknown[]
  readonly messages: readonly Message[]
  readonly partitioner: (choice: { topic: string; partitionMetadata: readonly unknown[]; message: Message }) => number
}): Record<number, Message[]> {
  const { topic, partitionMetadata, messages, partitioner } = send
  const groups: Record<number, Message[]> = {}
  if (partitionMetadata.length === 0) return groups
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message })
    groups[partition] ??= []
    groups[partition].push(message)
  }
  return groups
}
