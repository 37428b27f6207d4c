/** What GitHub Actions shows beside the line of a file: a workflow command in the output of the job. */
import { isAbsolute, relative, resolve } from 'node:path'

export interface Annotation {
  /** As seen from the working directory. */
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly title: string
  readonly message: string
}

/** `workspace`: the folder of the checkout, from which GitHub counts. */
export function annotationLine({ file, line, title, message }: Annotation, workspace: string): string {
  const properties = [
    ...(file === undefined ? [] : [`file=${property(withinWorkspace(file, workspace))}`]),
    ...(file === undefined || line === undefined ? [] : [`line=${line}`]),
    `title=${property(title)}`,
  ]
  return `::error ${properties.join(',')}::${data(message)}`
}

function withinWorkspace(file: string, workspace: string): string {
  const path = relative(workspace, resolve(file))
  // Of a file elsewhere there is nothing to show; it is named all the same.
  return path.startsWith('..') || isAbsolute(path) ? file : path.replaceAll('\\', '/')
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
