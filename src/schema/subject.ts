/** The registry's name for "values of this topic". Chosen in the topic's definition, never switched silently. */

/** 'topic': one message type a topic. 'topic-record': several. */
export type SubjectStrategy = 'topic' | 'topic-record'

/**
 * TopicNameStrategy (`retail.receipts-value`) or TopicRecordNameStrategy (`retail.orders-retail.OrderPlaced`).
 * `schemaName` is the record's full name.
 */
export function subjectOf(topic: string, schemaName: string, strategy: SubjectStrategy): string {
  return strategy === 'topic' ? `${topic}-value` : `${topic}-${schemaName}`
}
