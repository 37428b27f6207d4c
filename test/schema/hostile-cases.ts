/** Bytes that somebody may send who wants us harm, each to be read in every way in which a service reads. */

export type Way =
  /** The reader is the writer's schema. */
  | 'read'
  /** The reader has a field more: all is read through a resolver. */
  | 'resolved'
  /** The reader has no such field. */
  | 'skipped'
  /** For a person, by the writer's schema alone. */
  | 'shown'

export interface HostileCase {
  readonly name: string
  /** Of the field `x`, which a field `tail` of type int follows. */
  readonly type: unknown
  /** What follows the frame. */
  readonly body: Buffer
  /** Default: all. What is skipped is not judged. */
  readonly ways?: readonly Way[]
}

const all: readonly Way[] = ['read', 'resolved', 'skipped', 'shown']
const judged: readonly Way[] = ['read', 'resolved', 'shown']
export const waysOf = ({ ways = all }: HostileCase): readonly Way[] => ways

const MANY = 2n ** 26n
const MIB = 1_048_576

/** Zigzag varint. */
function long(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    if (rest <= 0x7fn) return Buffer.from(bytes)
  }
}

const join = (...parts: (Buffer | number[])[]): Buffer => Buffer.concat(parts.map(part => Buffer.from(part)))
/** As many bytes as make a cursor NaN: past 2^1024 a digit of 0 is 0 times infinity. */
const endless = join(Buffer.alloc(200, 0x80), [1])
const recursive = (name: string, type: unknown) => ({ type: 'record', name, fields: [{ name: 'next', type }] })

/** Counts of as many items as bytes are left: levels of a tree, or blocks of items that take no bytes. */
function claimsOfAllThatIsLeft(bytes: number): Buffer {
  const levels: Buffer[] = []
  for (let left = bytes; left > 8; left -= levels.at(-1)!.length) levels.push(long(BigInt(left - 8)))
  return join(Buffer.concat(levels), Buffer.alloc(16))
}

const ofNoBytes: readonly [string, unknown][] = [
  ['null', 'null'],
  ['{"type":"null"}', { type: 'null' }],
  ['null by a name with a namespace', 'x.null'],
  ['an empty record', { type: 'record', name: 'E', fields: [] }],
  [
    'a record of empty records',
    {
      type: 'record',
      name: 'O',
      fields: [
        { name: 'a', type: { type: 'record', name: 'E', fields: [] } },
        { name: 'b', type: 'E' },
      ],
    },
  ],
  ['a record of nulls', { type: 'record', name: 'E', fields: [{ name: 'a', type: 'null' }] }],
  ['a fixed of size 0', { type: 'fixed', name: 'F', size: 0 }],
  ['a logical type of a fixed of size 0', { type: 'fixed', name: 'F', size: 0, logicalType: 'decimal', precision: 1 }],
]

/** Named before, in the same record, and reached by another name. */
function named(definition: object, reference: string, more: object = {}): unknown {
  const fields = [
    { name: 'first', type: definition },
    { name: 'items', type: { type: 'array', items: reference } },
  ]
  return { type: 'record', name: 'Holder', fields, ...more }
}

const arraysOfNoBytes: readonly [string, unknown][] = [
  ...ofNoBytes.map(([name, items]): [string, unknown] => [name, { type: 'array', items }]),
  ['an empty record, named with a leading dot', named({ type: 'record', name: '.E', fields: [] }, '.E')],
  [
    'an empty record, whose namespace is not that of the name around it',
    named({ type: 'record', name: 'E', fields: [] }, 'b.E', { name: 'a.Holder', namespace: 'b' }),
  ],
]

const claims: readonly HostileCase[] = [
  ...ofNoBytes.map(([name, values]) => ({
    name: `2^26 entries of ${name}`,
    type: { type: 'map', values },
    body: join(long(MANY), [0, 0]),
  })),
  ...arraysOfNoBytes.map(([name, type]) => ({ name: `2^26 items of ${name}`, type, body: join(long(MANY), [0, 0]) })),
  // Each block has no more items than there are bytes left, and there are 30,000 of them.
  ...arraysOfNoBytes.map(([name, type]) => ({ name: `blocks of ${name}`, type, body: claimsOfAllThatIsLeft(100_000) })),
  {
    name: '2^26 items of a union of null',
    type: { type: 'array', items: ['null'] },
    body: join(long(MANY), [0, 0]),
  },
  {
    name: '2^26 items in a branch of a union',
    type: ['null', { type: 'array', items: 'null' }],
    body: join([2], long(MANY), [0, 0]),
  },
  {
    name: '2^26 items in a map in an array',
    type: { type: 'array', items: { type: 'map', values: { type: 'array', items: 'null' } } },
    body: join([2, 2, 2, 97], long(MANY), [0, 0, 0, 0]),
  },
  { name: '2^26 ints', type: { type: 'array', items: 'int' }, body: join(long(MANY), [0, 0]) },
  { name: '2^62 strings', type: { type: 'array', items: 'string' }, body: join(long(2n ** 62n), [0, 0]) },
  {
    name: '-2^26 items, in a block that says its size',
    type: { type: 'array', items: 'int' },
    body: join(long(-MANY), long(4n), [0, 0]),
  },
  { name: '-2^63 items', type: { type: 'array', items: 'int' }, body: join(long(-(2n ** 63n)), [0, 0, 0]) },
  {
    name: 'items of 320 bytes, as many as there are bytes',
    type: {
      type: 'array',
      items: { type: 'record', name: 'W', fields: Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, type: 'double' })) },
    },
    body: join(long(BigInt(MIB - 8)), Buffer.alloc(MIB)).subarray(0, MIB),
  },
  {
    name: 'entries with a value of 320 bytes, as many as there are bytes',
    type: {
      type: 'map',
      values: { type: 'record', name: 'W', fields: Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, type: 'double' })) },
    },
    body: join(long(BigInt(MIB - 8)), Buffer.alloc(MIB)).subarray(0, MIB),
  },
  { name: 'a block whose size leads back', type: { type: 'array', items: 'int' }, body: Buffer.from([1, 3]) },
  { name: 'a block of a map whose size leads back', type: { type: 'map', values: 'int' }, body: Buffer.from([1, 3]) },
  { name: 'a count without end', type: { type: 'array', items: 'int' }, body: endless },
  { name: 'a count without end, of a map', type: { type: 'map', values: 'int' }, body: endless },
]

const nesting: readonly HostileCase[] = [
  { name: 'a list 10^5 deep', type: recursive('R', ['null', 'R']), body: join(Buffer.alloc(100_000, 2), [0, 0]) },
  {
    name: 'a tree 10^5 deep',
    type: recursive('R', { type: 'array', items: 'R' }),
    body: join(Buffer.alloc(100_000, 2), Buffer.alloc(100_001)),
  },
  {
    name: 'maps 10^5 deep',
    type: recursive('R', { type: 'map', values: 'R' }),
    body: join(Buffer.concat(Array(100_000).fill(Buffer.from([2, 0]))), Buffer.alloc(100_001)),
  },
  ...[MIB, 90_000].map(bytes => ({
    name: `a tree of ${bytes} bytes whose every level claims all that is left`,
    type: recursive('R', { type: 'array', items: 'R' }),
    body: claimsOfAllThatIsLeft(bytes),
  })),
  { name: 'a record that has no end', type: recursive('R', 'R'), body: Buffer.alloc(10) },
]

const texts: readonly (readonly [string, Buffer])[] = [
  ['no UTF-8', Buffer.from([0xff, 0xfe])],
  ['cut off', Buffer.from([0xe2, 0x82])],
  ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['longer than it need be', Buffer.from([0xc0, 0x80])],
]

const scalars: readonly HostileCase[] = [
  ...['string', 'bytes'].flatMap(type => [
    { name: `${type}: longer than the rest`, type, body: join(long(100n), [97, 0]) },
    { name: `${type}: 2^62 long`, type, body: join(long(2n ** 62n), [97, 0]) },
    { name: `${type}: of negative length`, type, body: join(long(-2n), [0]) },
    { name: `${type}: a length without end`, type, body: endless },
    { name: `${type}: a length of 1 MiB of digits`, type, body: join(Buffer.alloc(MIB, 0x80), [1]) },
  ]),
  { name: 'a key of negative length', type: { type: 'map', values: 'int' }, body: join([2], long(-3n), [0, 0]) },
  { name: 'a key longer than the rest', type: { type: 'map', values: 'int' }, body: join([2], long(2n ** 40n), [0, 0]) },
  ...texts.map(([name, bytes]) => ({
    name: `a text that is ${name}`,
    type: 'string',
    body: join([bytes.length * 2], bytes, [0]),
    ways: judged,
  })),
  ...texts.map(([name, bytes]) => ({
    name: `a key that is ${name}`,
    type: { type: 'map', values: 'int' },
    body: join([2, bytes.length * 2], bytes, [0, 0, 0]),
    ways: judged,
  })),
  { name: 'a fixed that is cut off', type: { type: 'fixed', name: 'F', size: 2_000_000_000 }, body: Buffer.from([1, 2, 3]) },
  { name: 'an int of 33 bits', type: 'int', body: join(long(2n ** 32n), [0]), ways: judged },
  { name: 'an int without end', type: 'int', body: join(endless, [0]), ways: judged },
  { name: 'a long of 11 bytes', type: 'long', body: join(Buffer.alloc(10, 0x80), [1, 0]), ways: judged },
  { name: 'a long without end', type: 'long', body: join(endless, [0]), ways: judged },
  { name: 'a long of 1 MiB, without a last byte', type: 'long', body: Buffer.alloc(MIB, 0xff) },
  { name: 'a boolean of 2', type: 'boolean', body: Buffer.from([2, 0]), ways: judged },
  ...[-1n, 3n, 2n ** 40n, 2n ** 62n].flatMap(index => [
    {
      name: `index ${index} of an enum of 3`,
      type: { type: 'enum', name: 'Y', symbols: ['A', 'B', 'C'] },
      body: join(long(index), [0]),
      ways: judged,
    },
    { name: `index ${index} of a union of 3`, type: ['null', 'int', 'string'], body: join(long(index), [0, 0]) },
  ]),
  {
    name: 'an index of an enum without end',
    type: { type: 'enum', name: 'Y', symbols: ['A'] },
    body: join(endless, [0]),
    ways: judged,
  },
  { name: 'an index of a union without end', type: ['null', 'int'], body: join(endless, [0]) },
  { name: 'nothing behind the frame', type: 'string', body: Buffer.alloc(0) },
  { name: 'one byte too few', type: 'double', body: Buffer.alloc(8) },
  { name: 'one byte too many', type: 'double', body: Buffer.alloc(10) },
]

export const hostileCases: readonly HostileCase[] = [...claims, ...nesting, ...scalars]
