import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hexView, printable, printableBytes } from '../../src/command/printable.ts'

test('what a terminal would obey is written as an escape', () => {
  expect(printable('a\u001b[31mb')).toBe('a\\u001b[31mb')
  expect(printable('line\r\nnext\ttab')).toBe('line\\r\\nnext\\ttab')
  expect(printable('\u009b2J \u202eabc \u2066x \ufeff')).toBe('\\u009b2J \\u202eabc \\u2066x \\ufeff')
  expect(printable('Größe 😀 日本')).toBe('Größe 😀 日本')
  expect(printable('half \ud83d end')).toBe('half \\ud83d end')
})

test('no bytes at all let a control character through', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const lines = [
        printableBytes(Buffer.from(bytes)),
        ...hexView(Buffer.from(bytes)),
        printable(Buffer.from(bytes).toString('latin1')),
      ]
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
      for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    }),
  )
})

test('bytes: text when they are UTF-8, else hex', () => {
  expect(printableBytes(null)).toBe('null')
  expect(printableBytes(Buffer.from(''))).toBe('')
  expect(printableBytes(Buffer.from('ü'))).toBe('ü')
  expect(printableBytes(Buffer.from([0xff, 0x41]))).toBe('hex:ff41')
})

test('a hex view shows offset, bytes and ASCII, up to its limit', () => {
  expect(hexView(Buffer.from('garbage\u0000 of 18 by'))).toEqual([
    '00000000  67 61 72 62 61 67 65 00 20 6f 66 20 31 38 20 62  garbage. of 18 b',
    '00000010  79                                               y',
  ])
  expect(hexView(Buffer.alloc(300))).toHaveLength(17)
  expect(hexView(Buffer.alloc(300)).at(-1)).toBe('... 44 bytes more')
  expect(hexView(Buffer.alloc(0))).toEqual([])
})
