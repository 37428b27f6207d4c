/** The place of a failure in the code of the application, as it is in every process and build. */

interface Frame {
  /** '' for a function without a name, and at the top of a module. */
  readonly name: string
  /** A path or URL. */
  readonly file: string
}

/** `function (file)` of the first frame of the application, else of the first package; '' when the stack has neither. */
export function placeOf(message: string, stack: string): string {
  const frames = framesOf(message, stack).filter(({ file }) => !ofNode(file) && !ofSpillway(file))
  const frame = frames.find(({ file }) => !/[\\/]node_modules[\\/]/.test(file)) ?? frames[0]
  if (!frame) return ''
  const { stem, minified } = fileName(frame.file)
  return `${functionName(frame.name, minified)} (${stem})`
}

/** A message may hold lines that look like frames, such as those of an error that it quotes: so they are looked for behind it. */
function framesOf(message: string, stack: string): Frame[] {
  const at = message === '' ? -1 : stack.indexOf(message)
  const behind = at < 0 ? stack : stack.slice(at + message.length)
  return behind.split('\n').flatMap(line => frameOf(line) ?? [])
}

/** undefined for a line that is none, or that has no place: `at Array.map (<anonymous>)`, `at async Promise.all (index 0)`. */
function frameOf(line: string): Frame | undefined {
  const text = /^\s*at (?:async )?(.+)$/.exec(line)?.[1]?.trimEnd()
  if (text === undefined) return undefined
  const opens = text.endsWith(')') ? text.indexOf(' (') : -1
  const name = opens < 0 ? '' : text.slice(0, opens)
  const place = opens < 0 ? text : text.slice(opens + 2, -1)
  // Of code made by eval the place of the innermost eval counts: (eval at f (eval at g (/a/b.js:1:2), <anonymous>:1:1), <anonymous>:3:4)
  const located = place.startsWith('eval at ') ? /.*eval at [^(]* \((.+?:\d+:\d+)\)/.exec(place)?.[1] : place
  const file = /^(.+?)(?::\d+){1,2}$/.exec(located ?? '')?.[1]
  return file === undefined || file === '<anonymous>' ? undefined : { name, file }
}

function ofNode(file: string): boolean {
  return /^(?:node:|internal\/)/.test(file) || /webpack\/(?:bootstrap|runtime)/.test(file)
}

// Where this file lies by itself its folder's parent holds Spillway and nothing else. Bundled it lies among the application's code.
const own = /[\\/]retry[\\/]frame\.[jt]s$/.test(import.meta.url) ? new URL('..', import.meta.url) : undefined

function ofSpillway(file: string): boolean {
  return own !== undefined && (file.startsWith(own.href) || file.startsWith(decodeURI(own.pathname)))
}

/** The file's name without folder, query, extension and hash: folders differ by machine, the rest by build. */
function fileName(file: string): { stem: string; minified: boolean } {
  const name = file.replace(/[?#].*$/, '').replace(/^.*[\\/]/, '')
  const pieces = name.split('.').filter((piece, i) => i === 0 || !/^(?:[cm]?[jt]sx?|min|bundle|chunk)$/.test(piece))
  const [first = '', ...rest] = pieces
  const stem = [first.replace(/[-_]([\w-]{8})$/, (whole, last: string) => (isHash(last) ? '' : whole)), ...rest]
    .flatMap(piece => piece.split(/(?=[-_])/))
    .filter((piece, i) => i === 0 || !isHash(piece.replace(/^[-_]/, '')))
    .join('.')
    .replace(/\.(?=[-_])/g, '')
  return { stem: isHash(stem) || /^\d+$/.test(stem) ? '#' : stem, minified: /\.min\./.test(name) || stem !== pieces.join('.') }
}

/** Hex as webpack writes it, or eight characters as Vite, Rollup (`DkJ3x9_B`) and esbuild (`ABCD2345`) do. */
function isHash(text: string): boolean {
  if (/^[0-9a-f]{8,}$/i.test(text) || (/^[0-9a-f]{6,}$/i.test(text) && /\d/.test(text))) return true
  return /^[\w-]{8}$/.test(text) && (/\d/.test(text) || /[a-z].*[A-Z]/.test(text) || /^[A-Z]{8}$/.test(text))
}

/**
 * Without the receiver that a module or its exports are (`Object.charge` is `charge`) and without an alias (`[as charge]`).
 * In a minified file one or two characters are a name that the next build gives to another function.
 */
function functionName(name: string, minified: boolean): string {
  const plain = name.replace(/ \[as [^\]]*\]$/, '').replace(/^(?:(?:Object|Module|exports|module|Function)\.)+/, '')
  const stays = minified ? plain.replace(/(?<![\w$])[\w$]{1,2}(?![\w$])/g, '?') : plain
  return stays === '' ? '<anonymous>' : stays
}
