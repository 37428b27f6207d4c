import { expect, test, vi } from 'vitest'
import { type Codec, Squeeze } from '../../../src/broker/kafkajs/squeeze.ts'
import type { OutgoingRecord } from '../../../src/broker/port.ts'
import { BrokerUnavailable, RecordTooLarge } from '../../../src/errors.ts'

const record = (bytes: number, compressed?: boolean): OutgoingRecord => ({
  topic: 'tier',
  partition: 0,
  key: null,
  value: { length: bytes } as Buffer,
  headers: [],
  compressed,
})

/** Writes with the codecs that are small enough for the topic; the others are refused. */
function writing(squeeze: Squeeze, ...fitting: readonly Codec[]) {
  return async (records: readonly OutgoingRecord[]): Promise<Codec[]> => {
    const tried: Codec[] = []
    await squeeze
      .write('tier', records, async codec => {
        tried.push(codec)
        if (!fitting.includes(codec)) throw new RecordTooLarge('no')
        return 7n
      })
      .then(offset => expect(offset).toBe(7n))
    return tried
  }
}

test('a record is written as it is when it fits, else compressed', async () => {
  const big = [record(2_000_000)]
  expect(await writing(new Squeeze(), 'none', 'zstd')(big)).toEqual(['none'])
  expect(await writing(new Squeeze(), 'zstd')(big)).toEqual(['none', 'zstd'])
  await expect(writing(new Squeeze())(big)).rejects.toMatchObject({ code: 'E_RECORD_TOO_LARGE' })
})

test('one that came compressed is compressed, and so is the batch that it is in', async () => {
  expect(await writing(new Squeeze(), 'none', 'gzip')([record(10, true)])).toEqual(['gzip'])
  expect(await writing(new Squeeze(), 'zstd')([record(1_000_000, true)])).toEqual(['gzip', 'zstd'])
  expect(await writing(new Squeeze(), 'gzip', 'zstd')([record(2_000_000, true)])).toEqual(['zstd'])
  expect(await writing(new Squeeze(), 'none', 'gzip')([record(10), record(10, true)])).toEqual(['gzip'])
  expect(await writing(new Squeeze(), 'none', 'gzip')([record(10), record(10)])).toEqual(['none'])
})

test('several together are for the caller to send in parts', async () => {
  await expect(writing(new Squeeze(), 'gzip', 'zstd')([record(2_000_000), record(2_000_000)])).rejects.toMatchObject({
    code: 'E_RECORD_TOO_LARGE',
  })
})

test('what a topic has refused is not sent as it is again, nor is what is larger, for five minutes', async () => {
  vi.useFakeTimers()
  try {
    const squeeze = new Squeeze()
    const write = writing(squeeze, 'zstd')
    expect(await write([record(2_000_000)])).toEqual(['none', 'zstd'])
    expect(await write([record(2_000_001)])).toEqual(['zstd'])
    expect(await writing(squeeze, 'none')([record(1_999_999)])).toEqual(['none'])
    vi.advanceTimersByTime(5 * 60_000)
    expect(await write([record(2_000_000)])).toEqual(['none', 'zstd'])
  } finally {
    vi.useRealTimers()
  }
})

test('what our own consumers could not unpack is not compressed, and what would end the connection not sent', async () => {
  expect(await writing(new Squeeze(), 'none')([record(70 * 1024 * 1024, true)])).toEqual(['none'])
  await expect(writing(new Squeeze(), 'zstd')([record(70 * 1024 * 1024)])).rejects.toMatchObject({ code: 'E_RECORD_TOO_LARGE' })
  await expect(writing(new Squeeze(), 'none', 'zstd')([record(101 * 1024 * 1024)])).rejects.toMatchObject({
    code: 'E_RECORD_TOO_LARGE',
  })
})

test('any other failure is told at once', async () => {
  const failing = new Squeeze().write('tier', [record(10)], async () => {
    throw new BrokerUnavailable('away')
  })
  await expect(failing).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE' })
})
