import { expect, test } from 'vitest'
import { useKit } from '../test-kit.ts'

const kit = useKit()

test('smoke', async () => {
  const created = await kit.call('POST', '/orgs/acme/projects', { body: { key: 'shop' } })
  console.log(created.status, JSON.stringify(created.body))
  const flag = await kit.call('POST', '/orgs/acme/projects/shop/flags', {
    body: { key: 'new-checkout' },
    headers: { 'idempotency-key': 'a' },
  })
  console.log(flag.status, JSON.stringify(flag.body))
  const again = await kit.call('POST', '/orgs/acme/projects/shop/flags', {
    body: { key: 'new-checkout' },
    headers: { 'idempotency-key': 'a' },
  })
  console.log(again.status, JSON.stringify(again.body), again.headers.get('idempotency-replayed'))
  const t = await kit.call(
    'POST',
    '/orgs/acme/projects/shop/environments/production/flags/new-checkout/toggle',
    { body: {} },
  )
  console.log(t.status, JSON.stringify(t.body))
  for (const path of [
    '/orgs/acme/projects',
    '/orgs/acme/projects/shop/environments',
    '/orgs/acme/projects/shop/flags',
    '/orgs/acme/projects/shop/environments/production/flags/new-checkout/explain?targetingKey=u',
    '/orgs/acme/audit',
    '/whoami',
    '/nope',
  ])
    console.log(path, JSON.stringify((await kit.call('GET', path)).body))
  console.log(kit.told.length, kit.told.map((t) => t.kind).join())
  expect(t.status).toBe(200)
})
