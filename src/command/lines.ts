export interface InputLine {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** The lines of a stream of UTF-8. Not node:readline: it splits at U+2028 and U+2029 too, which may stand in a JSON string as they are. */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder()
  let rest = ''
  let number = 0
  for await (const chunk of stream) {
    const pieces = (rest + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n')
    rest = pieces.pop() ?? ''
    for (const text of pieces) yield { number: ++number, text }
  }
  rest += decoder.decode()
  if (rest !== '') yield { number: ++number, text: rest }
}
