import { configcat } from './peers/configcat.ts'
import { flagd } from './peers/flagd.ts'
import { growthbook } from './peers/growthbook.ts'
import { jsonLogicCompiled, jsonLogicInterpreted } from './peers/json-logic.ts'
import { launchdarkly } from './peers/launchdarkly.ts'
import { posthog } from './peers/posthog.ts'
import { statsig } from './peers/statsig.ts'
import { unleash } from './peers/unleash.ts'
import type { Peer } from './product.ts'

/** By the names that tables show. */
export const peers: Readonly<Record<string, Peer>> = {
  'json-logic compiled': jsonLogicCompiled,
  'json-logic interpreted': jsonLogicInterpreted,
  'flagd-core': flagd,
  GrowthBook: growthbook,
  Unleash: unleash,
  LaunchDarkly: launchdarkly,
  ConfigCat: configcat,
  Statsig: statsig,
  PostHog: posthog,
}
