import { expect, it } from 'vitest'
import { answers, startMailer } from '../../examples/retail/mailer.ts'

it.each([
  ['536365', [200, 200, 200]],
  ['536370', [503, 503, 200]],
  ['536400', [422, 422, 422]],
  ['A563110', [503, 503, 200]],
  ['A5-634-00', [422, 422, 422]],
  ['0', [422, 422, 422]],
  ['GIFT', [200, 200, 200]],
  // Number() would make 10000000000000000 of it.
  ['10000000000000001', [200, 200, 200]],
])('answers the posts of order %s with %j', (orderId, expected) => {
  const answer = answers()
  expect(expected.map(() => answer(orderId))).toEqual(expected)
})

it('counts the posts of each order by themselves', () => {
  const answer = answers()
  expect([answer('10'), answer('20'), answer('10'), answer('20'), answer('10'), answer('20')]).toEqual([
    503, 503, 503, 503, 200, 200,
  ])
})

it('is reached by HTTP', async () => {
  const mailer = await startMailer()
  const post = async (body: string) => (await fetch(mailer.url, { method: 'POST', body })).status
  expect(await post('{"orderId":"536400"}')).toBe(422)
  expect(await post('{"orderId":"536401"}')).toBe(200)
  expect(await post('no JSON')).toBe(400)
  await mailer.close()
})
