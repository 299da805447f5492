/** A flag and a segment of its own for each test of reverts, and what these tests do with them. */
import { beforeAll, beforeEach, expect } from 'vitest'
import { compile } from '../publication/compile.ts'
import { readVersion } from '../publication/read-history.ts'
import type { EnvironmentScope } from '../ports.ts'
import { expectProblem, makeShop, production, shop, useKit, type Kit, type Reply } from '../test-kit.ts'
import { wantedVersion } from './find-version.ts'

export const anyVersion = { 'if-match': '*' }
export const french = { when: { attribute: 'country', op: 'eq', value: 'FR' }, serve: { variant: 'on' } }

interface RevertKit {
  readonly kit: Kit
  /** Of the test that runs. */
  readonly own: { scope: EnvironmentScope; key: string; segment: string }
}

export function useRevert() {
  const kit = useKit()
  const own = {} as RevertKit['own'] // filled before any test runs
  let made = 0
  beforeAll(async () => {
    await makeShop(kit)
    const [row] = await kit.sql<EnvironmentScope>(
      `select org_id as "orgId", id as "environmentId" from environments where key = 'production'`,
    )
    if (!row) throw new Error('the shop has a production')
    own.scope = row
  })
  beforeEach(async () => {
    made += 1
    Object.assign(own, { key: `flag-${made}`, segment: `segment-${made}` })
    await kit.ok('POST', `${shop}/flags`, { body: { key: own.key } })
    await kit.ok('POST', `${shop}/segments`, { body: { key: own.segment } })
  })
  return { kit, own, ...readings({ kit, own }), ...writings({ kit, own }) }
}

function readings({ kit, own }: RevertKit) {
  return {
    present: async (): Promise<string> => (await kit.ok('GET', production)).version,
    stateOf: async (at = own.key) => {
      const { updatedAt: _, ...state } = await kit.ok('GET', `${production}/flags/${at}`)
      return state
    },
    segmentState: async () => {
      const { updatedAt: _, ...state } = await kit.ok('GET', `${production}/segments/${own.segment}`)
      return state
    },
    /** What readers get at a version: all but which keys there are. */
    bodyAt: async (token: string) => {
      const state = await readVersion(kit.deps.db, own.scope, wantedVersion(token))
      if (typeof state === 'string') throw new Error(state)
      return (await compile(own.scope.environmentId, state.at, state.rows)).body
    },
  }
}

function writings({ kit, own }: RevertKit) {
  const headers = anyVersion
  const revert = (body: object, more: Record<string, string> = {}) =>
    kit.call('POST', `${production}/revert`, { body, headers: more })
  return {
    revert,
    patch: (body: object, at = own.key) => kit.ok('PATCH', `${production}/flags/${at}`, { body, headers }),
    patchSegment: (body: object) =>
      kit.ok('PATCH', `${production}/segments/${own.segment}`, { body, headers }),
    reverted: (body: object) => kit.ok('POST', `${production}/revert`, { body }),
    /** Refused as a whole, with these pointers, and nothing of it written. */
    refused: async (body: object) => {
      const before = await kit.stored()
      const reply = await revert(body)
      expectProblem(reply, 'revert_refused')
      expect(await kit.stored()).toEqual(before)
      return reply.body.errors.map(({ pointer, detail }: Reply['body']) => `${pointer}: ${detail}`)
    },
  }
}
