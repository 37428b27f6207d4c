/** Takes secrets out of text, wherever a library may have put them: messages, URLs, the causes of errors. */

/** What stands in a text for a secret. */
export const hidden = '[hidden]'

/** In `scheme://user:password@host`, whatever the password is. */
const credentialsInUrl = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'\\]*:[^\s/@"'\\]*@/gi

/**
 * A function that replaces each of `secrets`, as it is, as it looks in a URL, in JSON, in base64 and in a Basic Authorization
 * header, and the credentials of any URL. Secrets of fewer than 4 characters are left: they would tear words apart.
 */
export function redactor(secrets: readonly Secret[]): (text: string) => string {
  const forms = secrets.filter(({ value }) => value.length >= 4).flatMap(formsOf)
  // The longest first: a part of one form may be another.
  const needles = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return text => {
    let clean = text.includes('://') && text.includes('@') ? text.replace(credentialsInUrl, `$1${hidden}@`) : text
    for (const needle of needles) if (clean.includes(needle)) clean = clean.replaceAll(needle, hidden)
    return clean
  }
}

export interface Secret {
  readonly value: string
  /** The name that goes with it: both together are a Basic Authorization header. */
  readonly username?: string
}

function formsOf({ value, username }: Secret): string[] {
  const inJson = JSON.stringify(value).slice(1, -1)
  // Escaped twice as well: JSON in a text that is logged as JSON, such as the body of an answer.
  const twice = JSON.stringify(inJson).slice(1, -1)
  const forms = [value, encodeURIComponent(value), inJson, twice, Buffer.from(value).toString('base64')]
  if (username !== undefined) forms.push(Buffer.from(`${username}:${value}`).toString('base64'))
  return forms
}
