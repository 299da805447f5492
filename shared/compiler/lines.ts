/** The lines of a snapshot, made of what history keeps, or a file says. */
import type {
  Condition,
  FlagConfig,
  LayerConfig,
  Override,
  Rule,
  SegmentConfig,
  SegmentMembers,
  Serve,
} from '../engine/model.ts'
import { formatLine } from '../engine/snapshot.ts'

/** A flag in one environment. Further members, of it and of its parts, are passed over. */
export interface FlagSource extends Pick<
  FlagConfig,
  'valueType' | 'variants' | 'seed' | 'clientVisible' | 'expiry'
> {
  readonly key: string
  readonly state: Pick<
    FlagConfig,
    'enabled' | 'offVariant' | 'prerequisites' | 'overrides' | 'rules' | 'fallthrough'
  >
}

/** A segment in one environment. */
export interface SegmentSource {
  readonly key: string
  readonly state: Pick<SegmentConfig, 'attribute' | 'include' | 'exclude'> & {
    readonly when: Condition | null
    readonly members: SegmentMembers | null
  }
}

export interface LayerSource extends LayerConfig {
  readonly key: string
}

// Only what evaluation needs, in a fixed order of names and without what is empty: equal things are equal bytes.

/** The `flag` line. */
export function flagLine(record: FlagSource): string {
  const { valueType, variants, seed, clientVisible, expiry, state } = record
  const { prerequisites = [] } = state
  const config: FlagConfig = {
    valueType,
    variants: variants.map(({ key, value }) => ({ key, value })),
    seed,
    clientVisible,
    enabled: state.enabled,
    offVariant: state.offVariant,
    ...(expiry && { expiry: { at: expiry.at, variant: expiry.variant } }),
    ...(prerequisites.length > 0 && {
      prerequisites: prerequisites.map(({ flag, variants: wanted }) => ({ flag, variants: wanted })),
    }),
    overrides: state.overrides.map(toOverride),
    rules: state.rules.map(toRule),
    fallthrough: toServe(state.fallthrough),
  }
  return formatLine('flag', record.key, JSON.stringify(config))
}

/** The `segment` line. */
export function segmentLine({ key, state }: SegmentSource): string {
  const { attribute, include, exclude, when, members } = state
  const config: SegmentConfig = {
    attribute,
    include,
    exclude,
    ...(when && { when: toCondition(when) }),
    ...(members && {
      members: {
        hash: members.hash,
        count: members.count,
        added: members.added,
        removed: members.removed,
      },
    }),
  }
  return formatLine('segment', key, JSON.stringify(config))
}

/** The `layer` line. */
export function layerLine({ key, seed, by, slots }: LayerSource): string {
  const config: LayerConfig = { seed, by, slots: slots.map(({ name, from, to }) => ({ name, from, to })) }
  return formatLine('layer', key, JSON.stringify(config))
}

function toOverride({ attribute, values, variant, until }: Override): Override {
  return { attribute, values, variant, ...(until !== undefined && { until }) }
}

function toRule({ id, when, sample, serve }: Rule): Rule {
  return {
    id,
    when: toCondition(when),
    ...(sample && { sample: { by: sample.by, share: sample.share, seed: sample.seed } }),
    serve: toServe(serve),
  }
}

function toServe(serve: Serve): Serve {
  if ('variant' in serve) return { variant: serve.variant }
  if ('ramp' in serve) {
    const { by, from, to, steps, hash } = serve.ramp
    return {
      ramp: { by, from, to, steps: steps.map(({ at, share }) => ({ at, share })), ...(hash && { hash }) },
    }
  }
  const { by, weights, hash, layer, outside } = serve.split
  return {
    split: {
      by,
      weights: weights.map(({ variant, weight }) => ({ variant, weight })),
      ...(hash && { hash }),
      ...(layer && { layer: { key: layer.key, slot: layer.slot } }),
      ...(outside !== undefined && { outside }),
    },
  }
}

function toCondition(condition: Condition): Condition {
  if ('all' in condition) return { all: condition.all.map(toCondition) }
  if ('any' in condition) return { any: condition.any.map(toCondition) }
  if ('not' in condition) return { not: toCondition(condition.not) }
  if ('segment' in condition) return { segment: condition.segment }
  if ('flag' in condition) return { flag: condition.flag, variants: condition.variants }
  const { attribute, op, value, values, negate, ignoreCase, zone } = condition
  return {
    attribute,
    op,
    ...(value !== undefined && { value }),
    ...(values !== undefined && { values }),
    ...(negate && { negate }),
    ...(ignoreCase && { ignoreCase }),
    ...(zone !== undefined && { zone }),
  }
}
