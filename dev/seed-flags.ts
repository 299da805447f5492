import type { FlagCreate } from '@halyard/shared/contract/flag.ts'

const everywhere = (state: NonNullable<FlagCreate['environments']>[string]) => ({
  development: state,
  staging: state,
  production: state,
})

const onOff = [
  { key: 'on', value: true },
  { key: 'off', value: false },
]

/** Four flags that show what a flag can be: a switch, a rollout, a targeted choice and a configuration. */
export const demoFlags: readonly FlagCreate[] = [
  {
    key: 'new-checkout',
    name: 'New checkout',
    description: 'A kill switch: on for everybody until it is toggled',
    valueType: 'boolean',
    variants: onOff,
    clientVisible: true,
    tags: ['demo'],
    environments: everywhere({ enabled: true, offVariant: 'off', fallthrough: { variant: 'on' } }),
  },
  {
    key: 'free-shipping',
    name: 'Free shipping',
    description: 'A rollout: a quarter of all users, and always the same ones',
    valueType: 'boolean',
    variants: onOff,
    clientVisible: true,
    tags: ['demo'],
    environments: everywhere({
      enabled: true,
      offVariant: 'off',
      fallthrough: {
        split: {
          weights: [
            { variant: 'on', weight: 25_000 },
            { variant: 'off', weight: 75_000 },
          ],
        },
      },
    }),
  },
  {
    key: 'checkout-theme',
    name: 'Theme of the checkout',
    description: 'A choice of several: German-speaking countries see the compact one, others one of two',
    valueType: 'string',
    variants: [
      { key: 'classic', value: 'classic' },
      { key: 'bold', value: 'bold' },
      { key: 'compact', value: 'compact' },
    ],
    clientVisible: true,
    tags: ['demo'],
    environments: everywhere({
      enabled: true,
      offVariant: 'classic',
      rules: [
        {
          name: 'German-speaking countries',
          when: { attribute: 'country', op: 'in', values: ['AT', 'CH', 'DE'] },
          serve: { variant: 'compact' },
        },
      ],
      fallthrough: {
        split: {
          weights: [
            { variant: 'classic', weight: 50_000 },
            { variant: 'bold', weight: 50_000 },
          ],
        },
      },
    }),
  },
  {
    key: 'search-settings',
    name: 'Settings of the search',
    description: 'A configuration as JSON, seen by servers only',
    valueType: 'json',
    variants: [
      { key: 'standard', value: { pageSize: 20, suggestions: true, timeoutMs: 800 } },
      { key: 'careful', value: { pageSize: 10, suggestions: false, timeoutMs: 2000 } },
    ],
    clientVisible: false,
    tags: ['demo'],
    environments: everywhere({ enabled: true, offVariant: 'careful', fallthrough: { variant: 'standard' } }),
  },
]
