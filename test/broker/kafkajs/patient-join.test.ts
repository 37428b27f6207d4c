/** A broker that has just started answers that it is loading the group; kafkajs ends the consumer there. */
import { expect, it } from 'vitest'
import { patientJoin } from '../../../src/broker/kafkajs/patient-join.ts'

const answer = (type: string) => Object.assign(new Error(type), { type })

function joinAnswering(...types: string[]) {
  const joined: number[] = []
  const join = async () => {
    const type = types[joined.push(1) - 1]
    if (type) throw answer(type)
  }
  return { join, joins: () => joined.length }
}

it('tries again while the coordinator is loading, missing or moving', async () => {
  const { join, joins } = joinAnswering('GROUP_LOAD_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP')
  await patientJoin(join, { stopping: () => false })
  expect(joins()).toBe(3)
})

it.each([
  ['any other answer', 'GROUP_AUTHORIZATION_FAILED', false, 30_000],
  ['a stop', 'GROUP_LOAD_IN_PROGRESS', true, 30_000],
  ['the end of its patience', 'GROUP_LOAD_IN_PROGRESS', false, 50],
])('gives up at %s', async (_, type, stopping, patienceMs) => {
  const { join, joins } = joinAnswering(type)
  await expect(patientJoin(join, { stopping: () => stopping, patienceMs })).rejects.toThrow(type)
  expect(joins()).toBe(1)
})
