/** A segment of its own for each test of large lists, and what these tests do with it. */
import { beforeAll, beforeEach, expect } from 'vitest'
import { blobHolds, fingerprintOf, openBlob } from '@halyard/shared/engine/blob.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { readBlob } from '../store/segment-blobs.ts'
import { makeShop, production, shop, useKit, type Kit, type Reply } from '../test-kit.ts'

export const headers = { 'content-type': 'application/x-ndjson' }
export const csvHeaders = { 'content-type': 'text/csv; charset=utf-8' }

export interface MembersKit extends Kit {
  readonly orgId: string
  /** The segment of this test, and where its list is in production. */
  readonly key: string
  readonly members: string
  readonly makeSegment: () => Promise<{ key: string; members: string }>
  readonly put: (
    part: number,
    body: unknown,
    upload?: string,
    headers?: Record<string, string>,
  ) => Promise<Reply['body']>
  /** Commits the upload `nightly`. */
  readonly commit: (body: object) => Promise<Reply['body']>
  readonly edit: (body: object) => Promise<Reply['body']>
  /** Whether the stored blob holds each id. */
  readonly held: (hash: string, ids: readonly string[]) => Promise<boolean[]>
  /** The version token of production. */
  readonly present: () => Promise<string>
  readonly lastAudit: () => Promise<Reply['body']>
  /** All that is stored but for blobs, of which those that were not committed are dropped later. */
  readonly storedButBlobs: () => Promise<Record<string, string>>
}

export function useMembers(): MembersKit {
  const kit = useKit() as MembersKit // completed before any test runs
  let made = 0
  const makeSegment = async () => {
    const key = `vips-${made++}`
    await kit.ok('POST', `${shop}/segments`, { body: { key } })
    return { key, members: `${production}/segments/${key}/members` }
  }
  beforeAll(async () => {
    await makeShop(kit)
    const [org] = await kit.sql<{ id: string }>("select id from organizations where key = 'acme'")
    Object.assign(kit, { orgId: org?.id, makeSegment, ...actions(kit) })
  })
  beforeEach(async () => {
    await kit.sql('delete from segment_uploads')
    Object.assign(kit, await makeSegment())
  })
  return kit
}

/** The version token after this one. */
export function next(token: string): string {
  const [epoch, version] = token.split('.')
  return `${epoch}.${Number(version) + 1}`
}

function actions(kit: MembersKit) {
  return {
    put: (part: number, body: unknown, upload = 'nightly', as: Record<string, string> = headers) =>
      kit.ok('PUT', `${kit.members}?upload=${upload}&part=${part}`, { body, headers: as }),
    commit: (body: object) =>
      kit.ok('POST', `${kit.members}/commit`, { body: { upload: 'nightly', ...body } }),
    edit: (body: object) => kit.ok('PATCH', kit.members, { body }),
    async held(hash: string, ids: readonly string[]) {
      const bytes = await readBlob(kit.deps.db, { orgId: kit.orgId, hash })
      expect(await sha256Hex(bytes ?? '')).toBe(hash)
      const blob = openBlob(bytes ?? new Uint8Array())
      return ids.map((id) => blob !== null && blobHolds(blob, id, fingerprintOf(id).high))
    },
    async present() {
      const [row] = await kit.sql<{ token: string }>(
        "select epoch || '.' || version as token from environments where key = 'production'",
      )
      return row?.token ?? ''
    },
    lastAudit: async () => (await kit.ok('GET', '/orgs/acme/audit?limit=1')).items[0],
    async storedButBlobs() {
      const { segment_blobs: _, segment_blob_parts: __, ...rest } = await kit.stored()
      return rest
    },
  }
}
