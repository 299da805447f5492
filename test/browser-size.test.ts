import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** Bytes of an entry as a page loads it, gzipped, and its code. */
async function bundle(entry: string): Promise<{ readonly size: number; readonly code: string }> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    external: ['react', 'react/*'],
    write: false,
  })
  const code = outputFiles[0]?.text ?? ''
  return { size: gzipSync(code, { level: 9 }).length, code }
}

test('the web client is at most 6 KiB gzipped', async () => {
  const { size } = await bundle('sdk/web/index.ts')
  expect(size).toBeLessThanOrEqual(6_144)
})

test('it runs where there is ES2022 and nothing newer', async () => {
  const { code } = await bundle('sdk/react/index.tsx')
  expect(code).not.toMatch(
    /\b(toSorted|toReversed|toSpliced|findLast|findLastIndex|withResolvers|groupBy|fromAsync|isWellFormed|toWellFormed|waitAsync|isSubsetOf|Iterator)\b|\.with\(/,
  )
})

test('React adds at most 1 KB to it, and is for clients', async () => {
  const { size, code } = await bundle('sdk/react/index.tsx')
  expect(size - (await bundle('sdk/web/index.ts')).size).toBeLessThanOrEqual(1_000)
  expect(code).toMatch(/^"use client"/)
})
