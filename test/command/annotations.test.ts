import { join } from 'node:path'
import { expect, test } from 'vitest'
import { annotationLine } from '../../src/command/annotations.ts'

test('what would end a property or the line is escaped', () => {
  const file = join(process.cwd(), 'a,b:c%.avsc')
  expect(annotationLine({ file, line: 3, title: 'x: 1, 2', message: '50%: a, b\r\nc' }, process.cwd())).toBe(
    '::error file=a%2Cb%3Ac%25.avsc,line=3,title=x%3A 1%2C 2::50%25: a, b%0D%0Ac',
  )
})

test('from the checkout on, wherever the command runs', () => {
  const line = (file: string | undefined, workspace: string) =>
    annotationLine({ file, line: 1, title: 't', message: 'm' }, workspace)
  expect(line('schemas/A.avsc', join(process.cwd(), '..'))).toContain(`/schemas/A.avsc,line=1`)
  expect(line('schemas/A.avsc', join(process.cwd(), 'elsewhere'))).toBe('::error file=schemas/A.avsc,line=1,title=t::m')
  expect(line(undefined, process.cwd())).toBe('::error title=t::m')
})
