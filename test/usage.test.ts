import { expect, test } from 'vitest'
import type { MetricPoints } from '@halyard/shared/contract/metric-endpoints.ts'
import type { FlagUsage } from '@halyard/shared/contract/usage-endpoints.ts'
import { callApi, project, runCli, until, useStack } from './stack-kit.ts'

const held = useStack()

const usageOf = (flag: string) =>
  callApi<FlagUsage>(held.stack, 'GET', `${project}/environments/production/flags/${flag}/usage`)

async function post(
  path: string,
  body: object,
  key: 'serverKey' | 'clientKey' = 'serverKey',
): Promise<number> {
  const { urls, seed } = held.stack
  const response = await fetch(urls.edge + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${seed.environments.production[key]}` },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

/** Usage as soon as it is as wanted: counts are gathered, sent and taken from the queue within a quarter of a minute. */
async function settled(flag: string, isWanted: (usage: FlagUsage) => boolean): Promise<FlagUsage> {
  return await until(() => usageOf(flag), isWanted, 60_000)
}

test('what is evaluated at the edge appears as usage, by the way in which it was asked for', async () => {
  const flag = {
    key: 'used',
    environments: { production: { enabled: true, fallthrough: { variant: 'on' } } },
  }
  await callApi(held.stack, 'POST', `${project}/flags`, flag)
  await until(
    () => post('/ofrep/v1/evaluate/flags/used', {}),
    (status) => status === 200,
  )
  for (let i = 1; i < 100; i++) await post('/ofrep/v1/evaluate/flags/used', {}) // oxlint-disable-line no-await-in-loop
  for (let i = 0; i < 7; i++) await post('/ofrep/v1/evaluate/flags', {}) // oxlint-disable-line no-await-in-loop
  const usage = await settled('used', ({ evaluations, deliveries }) => evaluations >= 100 && deliveries >= 7)
  expect(usage).toMatchObject({
    evaluations: 100,
    deliveries: 7,
    variants: [{ variant: 'on', evaluations: 100, deliveries: 7 }],
  })
  expect(Date.now() - Date.parse(usage.lastEvaluatedAt ?? '')).toBeLessThan(120_000)
})

test('a batch that is sent twice is counted once', async () => {
  await callApi(held.stack, 'POST', `${project}/flags`, { key: 'reported' })
  const event = {
    kind: 'evaluations',
    flag: 'reported',
    variant: 'on',
    count: 5,
    from: Date.now(),
    to: Date.now(),
  }
  const first = { id: 'first', events: [event] }
  expect([await post('/v1/events', first), await post('/v1/events', first)]).toEqual([202, 202])
  await settled('reported', ({ evaluations }) => evaluations >= 5)
  // The queue keeps its order here: what comes after the repeated one shows that it was taken.
  await post('/v1/events', first)
  await post('/v1/events', { id: 'second', events: [{ ...event, count: 1 }] })
  const usage = await settled('reported', ({ evaluations }) => evaluations >= 6)
  expect(usage).toMatchObject({ evaluations: 6, deliveries: 0 })
  expect(await runCli(held.stack, ['usage', 'reported'])).toMatch(/\(all\) +6 +0/)
})

test('what is tracked with keys of either class appears as a metric, each batch once', async () => {
  const event = { kind: 'metric', name: 'paid', count: 3, sum: 12.5, from: Date.now(), to: Date.now() }
  const batch = { id: 'tracked', events: [event, { ...event, name: 'seen', sum: undefined }] }
  for (let i = 0; i < 2; i++) expect(await post('/v1/events', batch)).toBe(202) // oxlint-disable-line no-await-in-loop
  const ofBrowser = { id: 'from-a-browser', events: [{ ...event, count: 1, sum: -2.5 }] }
  expect(await post('/v1/events', ofBrowser, 'clientKey')).toBe(202)
  const metric = await until(
    () => callApi<MetricPoints>(held.stack, 'GET', `${project}/environments/production/metrics/paid`),
    ({ count }) => count >= 4,
    60_000,
  )
  expect(metric).toMatchObject({
    count: 4,
    sum: 10,
    sources: [
      { source: 'server', count: 3, sum: 12.5 },
      { source: 'client', count: 1, sum: -2.5 },
    ],
  })
  const table = await runCli(held.stack, ['metrics'])
  expect(table).toMatch(/paid +4 +10 .* server, client/)
  expect(table).toMatch(/seen +3 +- .* server/)
})
