import type { Processor } from '../consume/processor.ts'
import { isTombstone } from '../dlq/letter.ts'
import { codeOf } from '../errors.ts'
import { tombstoneType } from '../message/tombstone.ts'
import type { Judge } from '../redrive/plan.ts'
import { createDecoder } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'

/** By the schemas and handlers of one processor. A registry that is away is asked once: letters are not moved by it. */
export function judgeFor({ subscriptions, tombstones }: Processor, registry: SchemaRegistry): Judge {
  const decoder = createDecoder(registry, [...new Set(subscriptions.map(({ definition }) => definition.schema))])
  let away: string | undefined
  return {
    async decode(letter) {
      const { record } = letter
      if (isTombstone(letter)) return { type: tombstoneType }
      if (record.value === null) return { problem: 'the record has no value' }
      if (away !== undefined) return { unknown: away }
      try {
        return { type: (await decoder.decode(record.value)).type }
      } catch (error) {
        const code = codeOf(error)
        const { message } = error as Error
        if (code === 'E_UNDECODABLE' || code === 'E_UNKNOWN_SCHEMA_ID') return { problem: message }
        if (code !== 'E_REGISTRY_UNAVAILABLE') throw error
        away = message
        return { unknown: message }
      }
    },
    handles: (topic, type) =>
      type === tombstoneType
        ? tombstones.some(({ tombstonesOf }) => tombstonesOf.name === topic)
        : subscriptions.some(({ definition }) => definition.topic.name === topic && definition.type === type),
  }
}
