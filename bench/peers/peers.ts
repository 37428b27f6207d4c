/** The libraries that are compared, each in a process of its own, behind the few things that the cases do with them. */
import type { Job } from '../job.ts'
import type { Shape } from '../shapes.ts'

export interface Consuming {
  /** Leaves the group and closes. */
  stop(): Promise<void>
}

export interface Producing {
  /** Resolves when the record is acknowledged. `id` is the message's own, where the case has one. */
  send(index: number, id?: string): Promise<unknown>
  /** `count` records from `index` on; resolves when all are acknowledged. */
  sendBatch(index: number, count: number): Promise<unknown>
  close(): Promise<void>
}

/** `idOf` reads the message's id, if asked. */
export type Handle = (idOf: () => string, partition: number) => unknown

export interface Peer {
  /** Calls `handle` for every record of the topic, from the start, and commits. It may resolve before the group is joined. */
  consume(job: Job, handle: Handle): Promise<Consuming>
  produce(job: Job): Promise<Producing>
  /** Copies the letters in the DLQ of the group to where it handles them again; `onMoved` is called for those that are safely there. */
  redrive?(job: Job, onMoved: (letters: number) => void): Promise<Redriving>
  codec?(job: Job, shape: Shape): Promise<Codec>
}

export interface Codec {
  encode(payload: object): unknown
  /** By the schema of the shape. */
  decode(bytes: Buffer): unknown
  /** Written by the older schema. */
  readonly written: readonly Buffer[]
}

export interface Redriving {
  stop(): Promise<void>
}

const modules = {
  spillway: () => import('./spillway.ts'),
  eachMessage: () => import('./kafkajs.ts'),
  eachBatch: () => import('./kafkajs.ts'),
  kafkajs: () => import('./kafkajs.ts'),
  kafkajsIdempotent: () => import('./kafkajs.ts'),
  kafkajsTransactions: () => import('./kafkajs.ts'),
  platformatic: () => import('./platformatic.ts'),
  avsc: () => import('./codecs.ts').then(({ avsc: peer }) => ({ peer })),
  avscOwnBuffer: () => import('./codecs.ts').then(({ avscOwnBuffer: peer }) => ({ peer })),
  kafkajsRegistry: () => import('./codecs.ts').then(({ kafkajsRegistry: peer }) => ({ peer })),
}

export type PeerName = keyof typeof modules

export async function peerOf(name: PeerName): Promise<Peer> {
  return (await modules[name]()).peer
}

export const labels: Readonly<Record<PeerName, string>> = {
  spillway: 'Spillway',
  eachMessage: 'kafkajs eachMessage',
  eachBatch: 'kafkajs eachBatch, by key',
  kafkajs: 'kafkajs',
  kafkajsIdempotent: 'kafkajs, idempotent',
  kafkajsTransactions: 'kafkajs eachBatch, in transactions with the offsets',
  platformatic: '@platformatic/kafka',
  avsc: 'avsc',
  avscOwnBuffer: 'avsc, a buffer each',
  kafkajsRegistry: '@kafkajs/confluent-schema-registry',
}
