import { endpoint } from './endpoint.ts'
import { ExplainQuery, ExplainRequest, Explanation } from './evaluation.ts'
import { FlagInEnvironment } from './flag.ts'
import { FlagStateIn } from './flag-endpoints.ts'
import { OverrideOrder, Rollout } from './operations.ts'
import { inEnvironment } from './paths.ts'
import { written } from './written.ts'

const rollout = {
  method: 'POST',
  summary: 'Serve a variant to a share, from now on or widening in steps',
  role: 'editor',
  body: Rollout,
  etag: true,
} as const
const override = {
  method: 'POST',
  summary: 'Give single contexts a variant, or take them out of overrides',
  role: 'editor',
  body: OverrideOrder,
  etag: true,
} as const
const explain = {
  method: 'GET',
  summary: 'Why a user gets what it gets, now or at an earlier version',
  role: 'viewer',
  query: ExplainQuery,
  result: Explanation,
} as const
const explainFor = {
  method: 'POST',
  summary: 'Why a context gets what it gets, now or at an earlier version',
  role: 'viewer',
  body: ExplainRequest,
  result: Explanation,
} as const

/** Whole operations on the state of a flag, and explanations, each also in its short form. */
export const operationEndpoints = {
  rolloutFlag: endpoint({
    ...rollout,
    path: `${inEnvironment}/flags/:key/rollout`,
    tag: 'Flag states',
    result: written(FlagStateIn),
  }),
  overrideFlag: endpoint({
    ...override,
    path: `${inEnvironment}/flags/:key/override`,
    tag: 'Flag states',
    result: written(FlagStateIn),
  }),
  explainFlag: endpoint({ ...explain, path: `${inEnvironment}/flags/:key/explain`, tag: 'Evaluation' }),
  explainFlagFor: endpoint({ ...explainFor, path: `${inEnvironment}/flags/:key/explain`, tag: 'Evaluation' }),

  shortRolloutFlag: endpoint({
    ...rollout,
    path: '/flags/:key/rollout',
    tag: 'Short forms',
    result: written(FlagInEnvironment),
  }),
  shortOverrideFlag: endpoint({
    ...override,
    path: '/flags/:key/override',
    tag: 'Short forms',
    result: written(FlagInEnvironment),
  }),
  shortExplainFlag: endpoint({ ...explain, path: '/flags/:key/explain', tag: 'Short forms' }),
  shortExplainFlagFor: endpoint({ ...explainFor, path: '/flags/:key/explain', tag: 'Short forms' }),
} as const
