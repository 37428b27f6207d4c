import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldMessage } from '../../src/retry/fold-message.ts'

describe('one bug, one text', () => {
  test.each([
    ['order 536365 refused', 'order 7 refused', 'order # refused'],
    ['balance is -3.50, not 1e9', 'balance is 12, not 1.5e-7', 'balance is #, not #'],
    ['took 1,234.56 ms', 'took 9 ms', 'took # ms'],
    ['user 3F2504E0-4F89-11D3-9A0C-0305E82C3301 is gone', 'user deadbeef-cafe-babe-feed-faceadefaced is gone', 'user # is gone'],
    ['object 507F1F77BCF86CD799439011', 'object abcdefabcdefabcdefabcdef', 'object #'],
    ['at 0xDEADBEEF', 'at 0xff', 'at #'],
    ['id V1StGXR8_Z5jdHi6B-myT', 'id 01ARZ3NDEKTSV4RRFFQ69G5FAV', 'id #'],
    ["no field 'amount' in 'it's here'", "no field 'x' in ''", 'no field ? in ?'],
    ['no "a \\" b" here', 'no "" here', 'no ? here'],
    ['column `total` of “orders”', 'column `x` of “y’s”', 'column ? of ?'],
    ['«a» ‹b› „c“ „d” ‘e’', '«1» ‹2› „3“ „4” ‘5’', '? ? ? ? ?'],
    ['connect ECONNREFUSED 10.0.0.1:9092', 'connect ECONNREFUSED 192.168.1.20:1', 'connect ECONNREFUSED #'],
    ['at 2026-11-22T10:00:00.123Z it ended', 'at 2026-01-01 it ended', 'at # it ended'],
    [
      'GET https://bank.example/v1/orders/536365/lines?by=ann#top: 503',
      'GET https://bank.example/v2/orders/ab12/lines: 500',
      'GET https://bank.example/#/orders/#/lines: #',
    ],
    ['cannot read /srv/a/templates/mail.html now', 'cannot read /home/b/x/mail.html now', 'cannot read mail.html now'],
    ['cannot read C:\\srv\\a\\mail.html', 'cannot read file:///D:/b/mail.html', 'cannot read mail.html'],
    [
      `Unexpected token 'b', "{"a": bl"... is not valid JSON`,
      `Unexpected token '<', "<html>" is not valid JSON`,
      'not valid JSON',
    ],
  ])('%s', (one, other, folded) => {
    expect(foldMessage(one)).toBe(folded)
    expect(foldMessage(other)).toBe(folded)
  })
})

test('a payload that is quoted whole does not count, however long', () => {
  expect(foldMessage(`no: "${'a b '.repeat(2_000)}" in it`)).toBe('no: ?')
  expect(foldMessage(`no: '${'c d '.repeat(3_000)}`)).toBe('no: ?')
})

test.each([
  "can't charge the customer's card: it isn't valid",
  'can’t charge the customer’s card',
  'users’ carts and customers’ orders',
  'a 5 o’clock',
  'a facade decade bead',
  'GET /orders/items failed',
])('words stay: %s', message => {
  expect(foldMessage(message)).toBe(message.replace('5', '#'))
})

const id = fc.oneof(
  fc.uuid(),
  fc.uuid().map(text => text.toUpperCase()),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
  fc.stringMatching(/^[0-9a-f]{8,40}$/),
  fc.ipV4(),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map(date => date.toISOString()),
)

test('whatever the ids and the quoted texts are, the text is one', () => {
  const quoted = fc.string({ maxLength: 40 }).filter(text => !/["\\\n]/.test(text))
  fc.assert(
    fc.property(id, quoted, id, (a, text, b) => {
      expect(foldMessage(`order ${a} of "${text}" can't be paid (code ${b})`)).toBe("order # of ? can't be paid (code #)")
    }),
    { numRuns: 2_000 },
  )
})

test('folding ends, soon, with at most 300 characters that do not change any more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), text => {
      const folded = foldMessage(text)
      expect(folded.length).toBeLessThanOrEqual(300)
      expect(foldMessage(text)).toBe(folded)
    }),
  )
  const startedAt = performance.now()
  for (const piece of ['/a', "'", '"a', 'f-', '9', '::#', "'a'b", '\\', 'a://b?', '“', '-', '{"a":'])
    foldMessage(piece.repeat(500_000))
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
