/** Those that encode and decode and do nothing else. */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avro from 'avsc'
import type { Shape } from '../shapes.ts'
import type { Peer } from './peers.ts'

/** As in the documentation of avsc. */
class DateType extends avro.types.LogicalType {
  protected override _fromValue(value: number): Date {
    return new Date(value)
  }

  protected override _toValue(value: unknown): number | undefined {
    return value instanceof Date ? +value : undefined
  }

  protected override _resolve(writer: avro.Type): unknown {
    return avro.Type.isType(writer, 'long', 'logical:timestamp-millis') ? this._fromValue : undefined
  }
}

const options = { logicalTypes: { 'timestamp-millis': DateType } }
// avsc writes what it knows by name into the options that it is given.
const typeOf = (schema: object): avro.Type => avro.Type.forSchema(schema as avro.Schema, { ...options })
const none = () => Promise.reject(new Error('has no broker'))

/** avsc without a frame, into a buffer that is used again; reading by a resolver that was made once. */
export const avsc: Peer = {
  consume: none,
  produce: none,
  async codec(_, { schema, older, olderPayloads }) {
    const [reader, writer] = [typeOf(schema.avro), typeOf(older.avro)]
    const resolver = reader.createResolver(writer)
    const buffer = Buffer.allocUnsafeSlow(64 * 1024)
    return {
      encode: payload => reader.encode(payload, buffer, 0),
      decode: bytes => reader.decode(bytes, 0, resolver).value,
      written: olderPayloads.map(payload => writer.toBuffer(payload)),
    }
  },
}

/** The same, each value in a buffer of its own. */
export const avscOwnBuffer: Peer = {
  ...avsc,
  async codec(job, shape) {
    const reader = typeOf(shape.schema.avro)
    return { ...(await avsc.codec!(job, shape)), encode: payload => reader.toBuffer(payload) }
  },
}

export const kafkajsRegistry: Peer = {
  consume: none,
  produce: none,
  async codec({ registryUrl }, { schema, older, olderPayloads }: Shape) {
    const client = new SchemaRegistry({ host: registryUrl }, { [SchemaType.AVRO]: options })
    const register = async (avroSchema: object): Promise<number> => {
      const confluent = { type: SchemaType.AVRO, schema: JSON.stringify(avroSchema) } as const
      return (await client.register(confluent, { subject: `${schema.name}-codec`, compatibility: COMPATIBILITY.NONE })).id
    }
    const olderId = await register(older.avro)
    const id = await register(schema.avro)
    const readerSchema = typeOf(schema.avro)
    return {
      encode: payload => client.encode(id, payload),
      decode: bytes => client.decode(bytes, { [SchemaType.AVRO]: { readerSchema } }),
      written: await Promise.all(olderPayloads.map(payload => client.encode(olderId, payload))),
    }
  },
}
