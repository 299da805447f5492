import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseFlagFile } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { formatFlagFile } from './format-file.ts'

test('control characters are escaped in YAML, which allows none, and come back', () => {
  const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('')
  const flag = { enabled: true, description: 'plain', variants: { a: controls, b: 'x\u007Fy' } }
  const text = formatFlagFile({ flags: { f: flag } }, 'yaml')
  expect(text).not.toMatch(/[^\n\u0020-\u007E\u00A0-\uFFFF]/)
  expect(text).toContain('description: plain\n')
  expect(parse(text).flags.f).toEqual(flag)
  expect(parseFlagFile(text.replaceAll(String.raw`\0`, ''), 'yaml')).toHaveProperty(
    'file.flags.f.variants.b',
    'x\u007Fy',
  )
})
