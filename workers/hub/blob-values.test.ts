import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { beginErrands, endErrands, kvKindOf, nameBlobs, nextBlobWork, writeBlob } from './blobs.ts'
import { kvFailed, kvIntervalMs, kvRepeatMs, kvUnderWayMs, kvWritten } from './decide.ts'
import type { Sql } from './sql.ts'
import { createTables, readKvState, writeKvState } from './store.ts'
import { newEnvironment, stubOf } from './test-kit.ts'

const hash = 'a'.repeat(64)
const kind = kvKindOf(hash)
const put = expect.objectContaining({ kind: 'put', hash })

test('of blobs there is one batch under way at once, and one of which nothing is heard is over after a while', async () => {
  await withBlob((sql) => {
    expect(beginErrands(sql, 1000)).toEqual([put])
    expect(beginErrands(sql, 1001)).toEqual([])
    expect(nextBlobWork(sql)).toBe(1000 + kvUnderWayMs)
    expect(beginErrands(sql, 1000 + kvUnderWayMs)).toEqual([put])
    endErrands(sql)
    expect(beginErrands(sql, 1001 + kvUnderWayMs)).toEqual([put])
  })
})

test('a blob that is put after something failed is put again a minute later, since a deletion may land late', async () => {
  await withBlob((sql) => {
    const written = (now: number) => writeKvState(sql, kind, kvWritten(readKvState(sql, kind), hash, now))
    writeKvState(sql, kind, kvFailed(readKvState(sql, kind), 1000))
    written(5000)
    const repeatAt = 5000 + kvIntervalMs + kvRepeatMs
    expect(nextBlobWork(sql)).toBe(repeatAt)
    expect(beginErrands(sql, repeatAt - 1)).toEqual([])
    expect(beginErrands(sql, repeatAt)).toEqual([put])
    written(repeatAt)
    endErrands(sql)
    expect(nextBlobWork(sql)).toBeNull()
  })
})

/** A blob that the head names, in an object of its own. */
async function withBlob(work: (sql: Sql) => void) {
  await runInDurableObject(stubOf(newEnvironment()), (_, { storage: { sql } }) => {
    createTables(sql)
    writeBlob(sql, hash, new Uint8Array(8), 0)
    nameBlobs(sql, [hash], 0)
    work(sql)
  })
}
