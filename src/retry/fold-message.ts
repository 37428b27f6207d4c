/** The message of an error without what differs from record to record: numbers, ids, quoted text, folders. */

/** Characters looked at: a message may carry a whole payload. */
const maxRead = 4_000
/** Characters kept: what comes later is mostly data, and of a length that differs. */
const maxKept = 300

const word = String.raw`[\p{L}\p{N}_]`
/** Opening and closing mark. One that stands inside of a word ("can't", 5") opens and closes nothing. */
const quotes = [
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['\u201c', '\u201d'],
  ['\u201e', '\u201c'],
  ['\u201e', '\u201d'],
  ['\u2018', '\u2019'],
  ['\u201a', '\u2018'],
  ['\u00ab', '\u00bb'],
  ['\u2039', '\u203a'],
].map(
  ([open, close]) =>
    new RegExp(`(?<!${word})${open}(?:[^${open}${close}\\\\\\n]|\\\\.|${close}(?=${word}))*${close}(?!${word})`, 'gu'),
)

// V8 quotes a piece of the text, quotes and all, so no pairing of marks finds its end.
const json =
  /^(?:Unexpected token|Expected |Unterminated string|Bad |Unexpected ).*(?:is not valid JSON|in JSON at position \d+.*)$/s
const query = /(\b[a-z][a-z+.-]*:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*?(?=[:,.;)]*(?:[\s"'<>]|$))/gi
/** Of a message that was cut off: a quote that opens and does not close any more. */
const unclosed = /(?<![\p{L}\p{N}_])["'`\u201c\u2018\u201e\u201a\u00ab\u2039](?=\S).*$/su
/** An absolute path that ends in a file: its folders are of one machine. */
const folders =
  /(?<![\p{L}\p{N}_.\\/-])(?:file:\/\/)?(?:\/?[a-z]:)?[\\/](?:[^\s\\/'"():]+[\\/])*(?=[^\s\\/'"():]+\.\w{1,5}(?!\w))/giu
const uuid = /(?<![0-9a-z])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-z])/gi
const hex = /(?<![0-9a-z])(?:0x[0-9a-f]+|[0-9a-f]{8,})(?![0-9a-z])/gi
/** A word with a digit in it: a number, or an id of whatever kind. */
const numbered = /(?<![\p{L}\p{N}_-])[\p{L}_-]*\p{N}[\p{L}\p{N}_-]*/gu
/** 1.5, 1,234.56, 1e+9, 10:00:00.000, 10.0.0.1:9092 */
const joined = /[+-]?#(?:(?:[.,:/+-]|::)*#)*/g

/** At most 300 characters. Equal messages of one bug become equal texts; what is left are the words that the code says itself. */
export function foldMessage(message: string): string {
  let text = message.slice(0, maxRead)
  if (json.test(text)) return 'not valid JSON'
  text = text.replace(query, '$1').replace(folders, '')
  for (const quoted of quotes) text = text.replace(quoted, '?')
  if (message.length > maxRead) text = text.replace(unclosed, '?')
  return text
    .replace(uuid, '#')
    .replace(hex, '#')
    .replace(numbered, '#')
    .replace(joined, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxKept)
}
