/** What a handler may do to its process, by the first part of the message's key: `throws-string:17`. */
export const poison: Readonly<Record<string, () => unknown>> = {
  'throws-error': () => {
    throw new Error('poison')
  },
  'throws-type-error': () => (undefined as unknown as { missing(): void }).missing(),
  'throws-range-error': () => new Array(-1),
  'throws-string': () => {
    throw 'poison'
  },
  'throws-undefined': () => {
    throw undefined
  },
  'throws-frozen': () => {
    throw Object.freeze(new Error('poison'))
  },
  'throws-not-retriable': () => {
    throw Object.assign(new Error('poison'), { retriable: false, retryable: false })
  },
  'throws-hostile': () => {
    throw {
      get message() {
        throw new Error('from a getter')
      },
      toString() {
        throw new Error('from toString')
      },
    }
  },
  'rejects-late': () => {
    // Nobody awaits the second one.
    void Promise.reject(new Error('a stray rejection'))
    return Promise.reject(new Error('poison'))
  },
  'never-settles': () => new Promise(() => {}),
}
