import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cases, comparable, expectedOf } from '@halyard/shared/engine/cases.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { isMissing, launchChromium, remedy } from './chromium.ts'

/** What the bundle puts into a page's global scope. */
declare const page: { decideCases: () => Decision[] }

const folder = mkdtempSync(join(tmpdir(), 'halyard-cases-'))
/** In CI a missing browser is a failure; on a laptop it is said. */
const browserTest = test.skipIf(isMissing && !process.env['CI'])
let script: string

if (isMissing) console.warn(`browser tests need Chromium: ${remedy}`)

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: ['test/cases-page.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'page',
    write: false,
  })
  script = outputFiles[0]?.text ?? ''
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('there are at least six hundred cases, each with a name of its own', () => {
  expect(new Set(cases.map((row) => row.name)).size).toBe(cases.length)
  expect(cases.length).toBeGreaterThanOrEqual(600)
})

test.each([
  ['Asia/Kathmandu', 'tr_TR.UTF-8'],
  ['Pacific/Apia', 'C'],
])('the minified bundle decides every case in a process at %s that speaks %s', (TZ, LANG) => {
  const file = join(folder, 'cases.cjs')
  writeFileSync(file, `${script}\nprocess.stdout.write(JSON.stringify(page.decideCases()))`)
  const output = execFileSync(process.execPath, [file], {
    env: { TZ, LANG, LC_ALL: LANG },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  expectAll(JSON.parse(output))
})

browserTest('Chromium decides every case, in another zone and language', async () => {
  const browser = await launchChromium()
  try {
    const context = await browser.newContext({ timezoneId: 'Asia/Kathmandu', locale: 'tr-TR' })
    const tab = await context.newPage()
    await tab.addScriptTag({ content: script })
    expectAll(await tab.evaluate(() => page.decideCases()))
  } finally {
    await browser.close()
  }
})

function expectAll(decisions: readonly Decision[]): void {
  expect(decisions).toHaveLength(cases.length)
  for (const [i, decision] of decisions.entries()) {
    const row = cases[i]
    expect(comparable(decision), row?.name).toEqual(row && expectedOf(row))
  }
}
