/** Rows of history, for tests. */
import type { FlagRecord, HistoryRow, LayerRecord, SegmentRecord } from '../ports.ts'

/** A boolean flag, on for everybody. */
export function flag(key: string, changes: Partial<FlagRecord> = {}): HistoryRow {
  const record: FlagRecord = {
    key,
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: '0123456789abcdef',
    clientVisible: false,
    archived: false,
    state: { enabled: true, offVariant: 'off', overrides: [], rules: [], fallthrough: { variant: 'on' } },
    ...changes,
  }
  return { kind: 'flag', objectId: `flg_${key}`, state: record as never } // a FlagRecord is JSON
}

/** A segment of nobody. */
export function segment(
  key: string,
  { archived = false, ...state }: Partial<SegmentRecord['state']> & { archived?: boolean } = {},
): HistoryRow {
  const empty = { attribute: 'targetingKey', include: [], exclude: [], when: null, members: null }
  const record: SegmentRecord = { key, archived, state: { ...empty, ...state } }
  return { kind: 'segment', objectId: `seg_${key}`, state: record as never } // a SegmentRecord is JSON
}

/** A layer of one slot, `a`. */
export function layer(key: string, changes: Partial<LayerRecord> = {}): HistoryRow {
  const slots = [{ name: 'a', from: 0, to: 100_000 }]
  const record = { key, archived: false, seed: 'fedcba9876543210', by: 'targetingKey', slots, ...changes }
  return { kind: 'layer', objectId: `lyr_${key}`, state: record as never } // a LayerRecord is JSON
}

const split = { by: 'targetingKey', weights: [{ variant: 'on', weight: 100_000 }], hash: 'xx32' as const }
/** In slot `a` of layer `l`. */
export const layered: FlagRecord['state'] = {
  enabled: true,
  offVariant: 'off',
  overrides: [],
  rules: [],
  fallthrough: { split: { ...split, layer: { key: 'l', slot: 'a' }, outside: 'off' } },
}

/** On for the contexts that match. */
export function stateWith(when: FlagRecord['state']['rules'][number]['when']): FlagRecord['state'] {
  return {
    ...layered,
    rules: [{ id: 'rul_1', when, serve: { variant: 'on' } }],
    fallthrough: { variant: 'off' },
  }
}

/** One of each, with everything that it may hold. */
export const everything: readonly HistoryRow[] = [
  flag('full', {
    expiry: { at: '1970-01-01T00:00:05Z', variant: 'on' },
    state: {
      enabled: true,
      offVariant: 'off',
      prerequisites: [{ flag: 'needed', variants: ['on'] }],
      overrides: [{ attribute: 'targetingKey', values: ['overridden'], variant: 'on', until: 1_000 }],
      rules: [
        {
          id: 'rul_1',
          when: { all: [{ segment: 's' }, { not: { flag: 'plain', variants: ['off'] } }] },
          sample: { by: 'targetingKey', share: 100_000, seed: '00000000000000ff' },
          serve: { split: { ...split, layer: { key: 'l', slot: 'a' } } },
        },
        {
          id: 'rul_2',
          when: {
            any: [{ attribute: 'at', op: 'weekdayIn', values: ['monday'], zone: 'UTC', negate: true }],
          },
          serve: { variant: 'on' },
        },
      ],
      fallthrough: { variant: 'off' },
    },
  }),
  flag('needed', {
    state: {
      ...layered,
      fallthrough: {
        ramp: { by: 'plan', from: 'off', to: 'on', steps: [{ at: 0, share: 1 }], hash: 'xx32' },
      },
      overrides: [{ attribute: 'plan', values: ['x'], variant: 'off' }],
      rules: [
        { id: 'rul_1', when: { attribute: 'x', op: 'exists', negate: true }, serve: { variant: 'on' } },
      ],
    },
  }),
  flag('plain'),
  segment('s', {
    include: ['member'],
    exclude: ['overridden'],
    when: { attribute: 'plan', op: 'startsWith', values: ['pro'], ignoreCase: true },
    members: { hash: 'a'.repeat(64), count: 3, added: ['member'], removed: ['u'] },
  }),
  layer('l'),
]
