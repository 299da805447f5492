import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { attempt, forEachTenant, reasonOf } from './jobs.ts'

const logged: unknown[] = []
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation((line) => logged.push(JSON.parse(line))))
afterEach(() => {
  vi.restoreAllMocks()
  logged.length = 0
})

const fail = () =>
  Promise.reject(new Error('Failed query: all that was written', { cause: new Error('no room') }))

test('a job that fails is logged by its cause, and what comes after it is done', async () => {
  expect(await attempt('one', fail, { orgId: 'org_1' })).toBeNull()
  expect(await attempt('two', async () => 'done')).toBe('done')
  expect(logged).toEqual([{ event: 'job_failed', job: 'one', orgId: 'org_1', error: 'Error: no room' }])
})

test('a tenant for which a job fails keeps no other from its own', async () => {
  const done: string[] = []
  const work = (orgId: string) => (orgId === 'org_2' ? fail() : Promise.resolve(done.push(orgId)))
  await forEachTenant({ listOrganizations: async () => ['org_1', 'org_2', 'org_3'] }, 'clean', work)
  expect(done).toEqual(['org_1', 'org_3'])
  expect(logged).toMatchObject([{ job: 'clean', orgId: 'org_2' }])
})

test('an error without a cause is told by its own words', () => {
  expect([reasonOf(new Error('x')), reasonOf('y')]).toEqual(['Error: x', 'y'])
})
