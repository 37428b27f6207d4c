import { expect, test } from 'vitest'
import { FetchSession } from '../../../src/broker/kafkajs/fetch-session.ts'
import type { FetchingNode, FetchRequest } from '../../../src/broker/kafkajs/internals.ts'
import type { SessionPart } from '../../../src/broker/kafkajs/patch-fetch.ts'

type Asked = FetchRequest & { readonly session: SessionPart }

/** A node that gives each answer once, the last one for ever. */
function opened(...answers: (object | Error)[]) {
  const asked: Asked[] = []
  let heard = 0
  let disconnected = 0
  const node = {
    connectionPool: {
      async send({ request }: { request: object }) {
        asked.push(request as Asked)
        const answer = answers.length > 1 ? answers.shift()! : answers[0]!
        if (answer instanceof Error) throw answer
        return answer
      },
    },
    disconnect: async () => void disconnected++,
  } as unknown as FetchingNode
  const session = new FetchSession(node, { request: given => given, response: {} }, () => heard++)
  const fetch = (topics: Record<string, Record<number, number>>) =>
    session.fetch({
      maxWaitTime: 500,
      minBytes: 1,
      isolationLevel: 1,
      topics: Object.entries(topics).map(([topic, offsets]) => ({
        topic,
        partitions: Object.entries(offsets).map(([at, offset]) => ({
          partition: Number(at),
          fetchOffset: `${offset}`,
          maxBytes: 9,
        })),
      })),
    })
  const said = () =>
    asked.map(({ topics, session: { id, epoch, forgotten } }) => [
      `${id}/${epoch}`,
      topics.flatMap(({ topic, partitions }) => partitions.map(one => `${topic}${one.partition}@${one.fetchOffset}`)).join(' '),
      forgotten.flatMap(({ topic, partitions }) => partitions.map(partition => `${topic}${partition}`)).join(' '),
    ])
  return { fetch, said, told: () => ({ heard, disconnected }) }
}

const answer = { errorCode: 0, sessionId: 7, responses: [] }

test('all is named once, then what has changed and what is not wanted any more', async () => {
  const { fetch, said, told } = opened(answer)
  await fetch({ a: { 0: 1, 1: 5 }, b: { 0: 2 } })
  await fetch({ a: { 0: 1, 1: 5 }, b: { 0: 2 } })
  await fetch({ a: { 0: 3, 1: 5 } })
  await fetch({ a: { 0: 3, 1: 5 }, b: { 0: 2 } })
  expect(said()).toEqual([
    ['0/0', 'a0@1 a1@5 b0@2', ''],
    ['7/1', '', ''],
    ['7/2', 'a0@3', 'b0'],
    ['7/3', 'b0@2', ''],
  ])
  expect(told()).toEqual({ heard: 4, disconnected: 0 })
})

const closed = Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })

test.each([
  ['the broker does not know the session', { ...answer, errorCode: 70, sessionId: 0 }, '7/0'],
  ['the epoch is not the next one', { ...answer, errorCode: 71, sessionId: 0 }, '7/0'],
  ['the broker has no room for sessions', { ...answer, sessionId: 0 }, '7/0'],
  ['a partition has an error', new Error('not the leader'), '7/0'],
  ['the connection is closed', closed, '7/0'],
])('%s: all is named anew', async (_, second, then) => {
  const { fetch, said, told } = opened(answer, second, answer)
  await fetch({ a: { 0: 1 } })
  const result = fetch({ a: { 0: 1 } })
  if (second instanceof Error) await expect(result).rejects.toBe(second)
  else await result
  await fetch({ a: { 0: 1 } })
  expect(said().slice(1)).toEqual([
    ['7/1', '', ''],
    [then, 'a0@1', ''],
  ])
  expect(told().disconnected).toBe(second === closed ? 1 : 0)
})
