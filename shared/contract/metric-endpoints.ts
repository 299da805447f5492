import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { MetricName } from './key.ts'
import { inEnvironment } from './paths.ts'
import { UsageQuery } from './usage-endpoints.ts'

const source = z.enum(['server', 'client']).meta({
  description: 'The class of the keys that it came with: what `client` says, anybody with that key can say',
})
const sum = z.number().nullable().meta({ description: 'Of the values that were given; null: none was' })
const total = { count: z.int(), sum }
const lastAt = z.iso.datetime().meta({ description: 'Of the kept 400 days, whatever is asked for' })
const span = { environment: z.string(), from: z.iso.datetime(), to: z.iso.datetime() }

export const Metric = z
  .strictObject({ name: MetricName, ...total, lastAt, sources: z.array(source) })
  .meta({ id: 'Metric' })
export type Metric = z.infer<typeof Metric>

const Metrics = z
  .strictObject({
    ...page(Metric).shape,
    ...span,
    full: z.array(source).meta({
      description: 'Of these classes 1,000 names are kept: events under further names are not counted',
    }),
  })
  .meta({ id: 'Metrics', description: 'What applications tracked, by name' })
export type Metrics = z.infer<typeof Metrics>

export const MetricPoints = z
  .strictObject({
    name: MetricName,
    ...span,
    by: z.enum(['hour', 'day']),
    ...total,
    lastAt,
    sources: z.array(z.strictObject({ source, ...total, lastAt })),
    points: z.array(z.strictObject({ at: z.iso.datetime(), source, ...total })).meta({
      description: 'By the start of the hour or day; those without events are left out',
    }),
  })
  .meta({ id: 'MetricPoints', description: 'How often something that is tracked happened' })
export type MetricPoints = z.infer<typeof MetricPoints>

const listed = {
  method: 'GET',
  summary: 'List what applications tracked, with totals',
  role: 'viewer',
  query: PageQuery.extend(UsageQuery.omit({ by: true }).shape),
  result: Metrics,
} as const
const read = {
  method: 'GET',
  summary: 'How often something that is tracked happened',
  role: 'viewer',
  query: UsageQuery,
  result: MetricPoints,
} as const

/** What `track` of the SDKs sent, each also in its short form. */
export const metricEndpoints = {
  listMetrics: endpoint({ ...listed, path: `${inEnvironment}/metrics`, tag: 'Usage' }),
  getMetric: endpoint({ ...read, path: `${inEnvironment}/metrics/:name`, tag: 'Usage' }),
  shortListMetrics: endpoint({ ...listed, path: '/metrics', tag: 'Short forms' }),
  shortGetMetric: endpoint({ ...read, path: '/metrics/:name', tag: 'Short forms' }),
} as const
